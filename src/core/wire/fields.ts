import { type Bytes, decodeText, encodeText } from "../bytes.ts";
import { ProtocolError } from "../errors.ts";
import { Cursor, varintBytes, writeVarint } from "./varint.ts";

/**
 * Builds a list of fields: what HELLO and metadata blocks are made of.
 *
 *     key varint | length varint | value      repeated
 *
 * Source: docs/protocol.md, section 2.
 */
export class FieldWriter {
  /** Fields written so far. */
  count = 0;
  #bytes: Bytes = new Uint8Array(128);
  #length: number;

  /** @param prefix - bytes in front of the fields */
  constructor(...prefix: readonly number[]) {
    this.#bytes.set(prefix);
    this.#length = prefix.length;
  }

  /** Add a field whose value is one varint. */
  number(key: number, value: number): this {
    const width = varintBytes(value);
    this.#header(key, width);
    this.#length = writeVarint(this.#bytes, this.#length, value);
    return this;
  }

  /** Add a field whose value is `value`, copied. */
  bytes(key: number, value: Uint8Array): this {
    this.#header(key, value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
    return this;
  }

  /** Add a field whose value is UTF-8 text. */
  text(key: number, value: string): this {
    return this.bytes(key, encodeText(value));
  }

  /** Add a field that says yes; without it the answer is no. */
  flag(key: number, value: boolean): this {
    return value ? this.number(key, 1) : this;
  }

  /** The fields so far and what is in front of them, as bytes of their own. */
  finish(): Bytes {
    return this.#bytes.slice(0, this.#length);
  }

  #header(key: number, length: number): void {
    this.count++;
    const room = this.#length + 16 + length;
    if (room > this.#bytes.length) {
      const larger: Bytes = new Uint8Array(room * 2);
      larger.set(this.#bytes.subarray(0, this.#length), 0);
      this.#bytes = larger;
    }
    this.#length = writeVarint(this.#bytes, writeVarint(this.#bytes, this.#length, key), length);
  }
}

/** Walks over a list of fields. Its properties describe the current field and change with {@link next}. */
export class FieldReader {
  /** Key of the current field. */
  key = 0;
  /** Fields read so far. */
  count = 0;
  /** Behind the current field. */
  readonly #cursor: Cursor;
  /** Where its value begins. */
  #at = 0;

  constructor(bytes: Uint8Array, at = 0) {
    this.#cursor = new Cursor(bytes, at);
  }

  /**
   * Move to the next field.
   * @returns false at the end.
   * @throws {ProtocolError} when a field reaches beyond the list.
   */
  next(): boolean {
    const cursor = this.#cursor;
    if (cursor.at === cursor.end) return false;
    this.key = cursor.varint();
    const length = cursor.varint();
    if (length > cursor.end - cursor.at)
      throw new ProtocolError("ERR_PROTOCOL", `Cannot read field ${this.key}: too long`);
    this.#at = cursor.at;
    cursor.at += length;
    this.count++;
    return true;
  }

  get #value(): Uint8Array {
    return this.#cursor.bytes.subarray(this.#at, this.#cursor.at);
  }

  /** The value as bytes of its own. */
  bytes(): Bytes {
    return this.#value.slice() as Bytes;
  }

  /**
   * The value as one varint.
   * @throws {ProtocolError} when it is anything else.
   */
  number(): number {
    const cursor = this.#cursor;
    const end = cursor.at;
    cursor.at = this.#at;
    const value = cursor.varint();
    if (cursor.at !== end)
      throw new ProtocolError("ERR_PROTOCOL", `Cannot read field ${this.key}: not a number`);
    return value;
  }

  /** Whether the value says yes. @throws {ProtocolError} when it is no number. */
  flag(): boolean {
    return this.number() === 1;
  }

  /**
   * The value as text.
   * @throws {ProtocolError} with `ERR_DECODE` when it is not well-formed UTF-8.
   */
  text(): string {
    try {
      return decodeText(this.#value);
    } catch {
      throw new ProtocolError("ERR_DECODE", `Cannot read field ${this.key}: not UTF-8`);
    }
  }
}
