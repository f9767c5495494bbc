import { type Bytes, decodeText, EMPTY, encodeText } from "../bytes.ts";
import { ProtocolError } from "../errors.ts";
import { MAX_NAME_BYTES } from "../limits.ts";
import { type Cursor, varintBytes, writeVarint } from "./varint.ts";

/**
 * Names of the streams that this side opens. A name travels as text once in the life of a connection, and as the
 * number it got then from there on.
 *
 *     label varint   0           no name
 *                    2n + 1      a name of n UTF-8 bytes follows; it gets the next number, 1 first
 *                    2k          the name with number k
 *
 * Source: docs/protocol.md, section 4.2.
 */
export class NameWriter {
  #labels: Map<string, Bytes> | undefined;
  readonly #most: number;

  /** @param most - names that the table holds; later ones travel as text every time. */
  constructor(most: number) {
    this.#most = most;
  }

  /** Bytes of the label of `name`, with the name itself while it has no number. Changes nothing. */
  label(name: string): Bytes {
    if (name === "") return NO_NAME;
    return this.#labels?.get(name) ?? labelOf(encodeText(name));
  }

  /** The label of `name` was written: from now on its number stands for it, where the table has room. */
  commit(name: string): void {
    if (name === "") return;
    this.#labels ??= new Map();
    if (this.#labels.has(name) || this.#labels.size >= this.#most) return;
    this.#labels.set(name, labelOf(EMPTY, (this.#labels.size + 1) * 2));
  }
}

const NO_NAME: Bytes = new Uint8Array(1);

function labelOf(text: Bytes, number: number = text.length * 2 + 1): Bytes {
  const bytes: Bytes = new Uint8Array(varintBytes(number) + text.length);
  bytes.set(text, writeVarint(bytes, 0, number));
  return bytes;
}

/** Names of the streams that the peer opens: the other end of a {@link NameWriter}. */
export class NameReader {
  readonly #names: string[] = [];
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  /**
   * Read a label, and the name behind it; moves the cursor.
   * @throws {ProtocolError} for a number that names nothing, or a name that is too long or not UTF-8.
   */
  read(cursor: Cursor): string {
    const label = cursor.varint();
    if (label === 0) return "";
    if ((label & 1) === 0) {
      const known = this.#names[label / 2 - 1];
      if (known === undefined)
        throw new ProtocolError("ERR_PROTOCOL", `Cannot open stream: name ${label / 2} is not defined`);
      return known;
    }
    const length = (label - 1) / 2;
    if (length > MAX_NAME_BYTES)
      throw new ProtocolError("ERR_LIMIT", `Cannot accept ${length} byte name: limit is ${MAX_NAME_BYTES}`);
    if (length > cursor.end - cursor.at)
      throw new ProtocolError("ERR_PROTOCOL", "Cannot open stream: name ends behind its frame");
    const text = cursor.bytes.subarray(cursor.at, cursor.at + length);
    cursor.at += length;
    const name = readName(text);
    if (this.#names.length < this.#most) this.#names.push(name);
    return name;
  }
}

function readName(text: Uint8Array): string {
  try {
    return decodeText(text);
  } catch {
    throw new ProtocolError("ERR_DECODE", "Cannot open stream: name is not UTF-8");
  }
}
