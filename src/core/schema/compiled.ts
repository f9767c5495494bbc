import type { StandardSchemaV1 } from "@standard-schema/spec";
import type { Bytes } from "../bytes.ts";
import type { Codec, DecodeLimits } from "../codecs/codec.ts";
import { resolveDecodeLimits } from "../codecs/decode-limits.ts";
import { compare } from "./compare.ts";
import { compileDecoder } from "./decode.ts";
import type { Decode } from "./decode-scalar.ts";
import { describeNode, digestOf, parseDescriptor } from "./descriptor.ts";
import { compileEncoder } from "./encode.ts";
import type { Encode } from "./encode-scalar.ts";
import { fault, MISFIT } from "./faults.ts";
import { levelsOf, type Node } from "./node.ts";
import { Reader } from "./reader.ts";
import { validate } from "./validate.ts";
import { Writer } from "./writer.ts";

/** What a compiled schema bounds. */
export interface SchemaLimits extends DecodeLimits {
  /** Longest message, bytes, in both directions. */
  readonly maxBytes: number;
}

/** Longest message of a schema where nothing else is said: the longest that a session accepts. */
const MAX_BYTES = 16_777_216;
const HARD_MAX_BYTES = 268_435_456;

/** Messages of all schemas lie in one slab, decoders share one reader. */
const shared: Writer = new Writer();
const reader: Reader = new Reader();

/** A getter of a value that is encoded encodes another one. */
let busy = false;

/**
 * The description of a value, and all that is made from it: a {@link Codec} named `schema`, a Standard Schema, and a
 * text that two peers compare. Encoder and decoder are closures, compiled when they are first used; no code is made
 * from text. Made by `struct()` and the other functions of this folder.
 *
 * `encode` throws where a value does not fit, and names the place. `decode` gives exactly what `encode` got, but that
 * -0 of an integer is 0, `f32` is rounded, a lone surrogate is U+FFFD, and a `Uint8Array` is a view of the message.
 */
export class CompiledSchema<T> implements Codec<T>, StandardSchemaV1<T, T> {
  /** Name of the codec in HELLO, and in errors. */
  readonly name = "schema";
  /** What the schema says. */
  readonly node: Node;
  readonly #limits: SchemaLimits;
  readonly "~standard": StandardSchemaV1.Props<T, T>;
  #encode: Encode | undefined;
  #decode: Decode | undefined;
  #descriptor: string | undefined;
  #digest: string | undefined;
  #levels: number | undefined;

  /** @throws {RangeError} when a limit is above its hard limit. */
  constructor(node: Node, limits: Partial<SchemaLimits> = {}) {
    const { maxBytes = MAX_BYTES, ...decodeLimits } = limits;
    if (!Number.isInteger(maxBytes) || maxBytes < 0 || maxBytes > HARD_MAX_BYTES) {
      throw new RangeError(
        `Cannot use limit maxBytes ${maxBytes}: must be a whole number from 0 to ${HARD_MAX_BYTES}`,
      );
    }
    this.node = node;
    this.#limits = { ...resolveDecodeLimits(decodeLimits), maxBytes };
    this["~standard"] = {
      version: 1,
      vendor: "tideway",
      validate: (value) => validate(node, value, this.#room) as StandardSchemaV1.Result<T>,
    };
  }

  /** The same schema with other limits; those that are left out have their defaults. */
  withLimits(limits: Partial<SchemaLimits>): CompiledSchema<T> {
    return new CompiledSchema<T>(this.node, limits);
  }

  /**
   * The schema as text: JSON, the same for the same schema in every version of this package. At most 32 levels deep.
   * @throws {TypeError} when it is deeper.
   */
  get descriptor(): string {
    this.#descriptor ??= describeNode(this.node);
    return this.#descriptor;
  }

  /** 16 hex digits by which two peers see that they have the same schema. It finds mistakes, not attacks. */
  get digest(): string {
    this.#digest ??= digestOf(this.descriptor);
    return this.#digest;
  }

  /**
   * Why this schema and another one cannot read each other's messages.
   * @param descriptor - of the other one
   * @returns a text with the path and both types, such as `price: f64 here, string there`; `undefined` when they can.
   * @throws {ProtocolError} `ERR_DECODE` when it is no descriptor.
   */
  difference(descriptor: string): string | undefined {
    if (descriptor === this.descriptor) return undefined;
    return compare(this.node, parseDescriptor(descriptor));
  }

  /** @throws {TypeError} when the value does not fit the schema, or is longer than `maxBytes`. */
  encode(value: T): Bytes {
    if (this.#encode === undefined) this.#compile();
    const encode = this.#encode as Encode;
    const writer = busy ? new Writer() : shared;
    const nested = busy;
    busy = true;
    writer.begin(this.#room, this.#limits.maxBytes);
    try {
      encode(writer, value);
      return writer.finish();
    } catch (error) {
      writer.rollBack();
      throw error === MISFIT ? this.#explain(value) : error;
    } finally {
      busy = nested;
    }
  }

  /** @throws {ProtocolError} `ERR_DECODE` when the bytes are not one value of the schema, or pass a limit. */
  decode(bytes: Bytes): T {
    if (this.#decode === undefined) this.#compile();
    const decode = this.#decode as Decode;
    const { maxBytes, maxElements, maxKeys } = this.#limits;
    const { length } = bytes;
    if (length > maxBytes) throw fault(`${length} bytes, over ${maxBytes} (maxBytes)`);
    reader.bytes = bytes;
    reader.at = 0;
    reader.end = length;
    reader.room = this.#room;
    reader.elements = maxElements;
    reader.maxKeys = maxKeys;
    const value = decode(reader) as T;
    if (reader.at < length) throw fault(`${length - reader.at} bytes behind the value`);
    return value;
  }

  /** Levels of recursion that a value may have, besides those that the schema has without any. */
  get #room(): number {
    this.#levels ??= levelsOf(this.node);
    return this.#limits.maxDepth - this.#levels;
  }

  #compile(): void {
    if (this.#room < 0) {
      const { maxDepth } = this.#limits;
      throw new TypeError(`Cannot use schema of ${this.#levels} levels: limit is ${maxDepth} (maxDepth)`);
    }
    this.#encode = compileEncoder(this.node);
    this.#decode = compileDecoder(this.node);
  }

  #explain(value: unknown): TypeError {
    const { issues } = validate(this.node, value, this.#room);
    const issue = issues?.[0];
    if (issue === undefined) {
      return new TypeError(`Cannot encode schema: over ${this.#limits.maxBytes} bytes (maxBytes)`);
    }
    const path = issue.path?.join(".") ?? "";
    return new TypeError(`Cannot encode schema: ${path === "" ? "" : `${path}: `}${issue.message}`);
  }
}
