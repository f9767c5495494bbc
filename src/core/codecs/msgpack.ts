import {
  DecodeError,
  Decoder,
  Encoder,
  ExtData,
  ExtensionCodec,
  type ExtensionCodecType,
} from "@msgpack/msgpack";
import { type Bytes, concatBytes, EMPTY } from "../bytes.ts";
import { messageOf, ProtocolError } from "../errors.ts";
import type { Codec, DecodeLimits } from "./codec.ts";
import { resolveDecodeLimits } from "./decode-limits.ts";
import { MsgpackScanner } from "./msgpack-scan.ts";
import { copyOut } from "./slab.ts";

/** A larger buffer, left behind by a long message, is given back. */
const MAX_KEPT_BYTES = 1_048_576;
/** In UTF-8 every surrogate begins with this byte, and little else does. */
const SURROGATE_LEAD = 0xed;
const TIMESTAMP = -1;

/** Our own bytes need no limits: only their text is looked at. */
const REPAIR = {
  maxDepth: Number.POSITIVE_INFINITY,
  maxElements: Number.POSITIVE_INFINITY,
  maxKeys: Number.POSITIVE_INFINITY,
  bigIntegers: true,
  repairText: true,
};

/** How {@link msgpackCodec} treats values. */
export interface MsgpackOptions {
  /** Bounds of what it decodes; `maxDepth` bounds what it encodes too. */
  readonly limits?: Partial<DecodeLimits>;
  /** Encode bigints as 64-bit integers, and decode every 64-bit integer as a bigint. Default: false. */
  readonly useBigInt64?: boolean;
  /** Your own extension types. Default: timestamps (type -1) alone. */
  readonly extensionCodec?: ExtensionCodecType<undefined>;
}

/**
 * MessagePack, named `msgpack`. `undefined` as the whole value is zero bytes, so that a call may return nothing.
 *
 * `encode` takes `null`, booleans, numbers, strings, `Uint8Array`, `Date`, arrays and objects (their own enumerable
 * fields). An `undefined` field is left out, an `undefined` element becomes `null`, -0 becomes 0, a lone surrogate
 * U+FFFD. What would change or be lost without a word throws: functions, symbols, other views and buffers, invalid
 * dates, objects such as `Map` whose tag is not `Object`, `__proto__` keys, bigints that the options do not allow,
 * and anything nested deeper than `maxDepth`, which a cycle always is.
 *
 * `decode` checks the bytes whole before it allocates. `Uint8Array`s in its value are views of the message. It
 * refuses map keys that are not strings, `__proto__` keys (the library can neither keep nor rename them), extension
 * types that nobody registered, and integers beyond 2^53 - 1 unless `useBigInt64` is set.
 * @throws {RangeError} when a limit is above its hard limit.
 */
export function msgpackCodec(options: MsgpackOptions = {}): Codec {
  const { useBigInt64 = false } = options;
  const limits = resolveDecodeLimits(options.limits);
  const inner = options.extensionCodec ?? ExtensionCodec.defaultCodec;
  const extensionCodec = {
    tryToEncode: extensionEncoder(inner, useBigInt64),
    decode: extensionDecoder(inner),
  };
  const scanner = new MsgpackScanner({ ...limits, bigIntegers: useBigInt64, repairText: false });
  const decoder = new Decoder({ extensionCodec, useBigInt64 });
  const repairer = new MsgpackScanner(REPAIR);
  // The library counts a value inside an array as one level deeper than the array.
  const maxDepth = limits.maxDepth + 1;
  const createEncoder = () => new Encoder({ extensionCodec, useBigInt64, maxDepth, ignoreUndefined: true });
  let encoder = createEncoder();

  function encode(value: unknown): Bytes {
    if (value === undefined) return EMPTY;
    if (typeof value === "bigint") checkBigInt(value);
    try {
      const shared = encoder.encodeSharedRef(value);
      if (shared.includes(SURROGATE_LEAD)) repairer.scan(shared);
      const bytes = copyOut(shared);
      if (shared.buffer.byteLength > MAX_KEPT_BYTES) encoder = createEncoder();
      return bytes;
    } catch (error) {
      encoder = createEncoder();
      throw error instanceof TypeError ? error : refusal(messageOf(error), error);
    }
  }

  function decode(bytes: Bytes): unknown {
    if (bytes.length === 0) return undefined;
    scanner.scan(bytes);
    const { markedStrings } = scanner;
    try {
      return decoder.decode(markedStrings.length === 0 ? plain(bytes) : doubleMarks(bytes, markedStrings));
    } catch (error) {
      if (error instanceof ProtocolError) throw error;
      throw fault(error instanceof DecodeError ? error.message : "an extension refused its data");
    }
  }

  return { name: "msgpack", encode, decode };
}

/** The library asks this about every value that is not a primitive: the place to refuse what it would get wrong. */
function extensionEncoder(inner: ExtensionCodecType<undefined>, useBigInt64: boolean) {
  return (value: unknown, context: undefined): ExtData | null => {
    const extension = inner.tryToEncode(value, context);
    if (extension !== null) {
      const isInvalidDate =
        extension.type === TIMESTAMP && value instanceof Date && Number.isNaN(value.getTime());
      if (isInvalidDate) throw refusal("an invalid date");
      return extension;
    }
    if (typeof value !== "object" || value === null) throw refusal(typeof value);
    if (!(value instanceof Uint8Array)) checkContainer(value, useBigInt64);
    return null;
  };
}

function extensionDecoder(inner: ExtensionCodecType<undefined>) {
  return (data: Uint8Array, type: number, context: undefined): unknown => {
    const value = inner.decode(data, type, context);
    if (value instanceof ExtData) throw fault(`extension type ${type}`);
    if (value instanceof Date && Number.isNaN(value.getTime())) throw fault("timestamp out of range");
    return value;
  };
}

function checkContainer(value: object, useBigInt64: boolean): void {
  if (!Array.isArray(value)) {
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype !== Object.prototype && prototype !== null) {
      const kind = Object.prototype.toString.call(value).slice(8, -1);
      if (kind !== "Object") throw refusal(kind);
    }
    if (Object.hasOwn(value, "__proto__")) throw refusal("a key __proto__");
  }
  if (!useBigInt64) return;
  for (const child of Object.values(value)) if (typeof child === "bigint") checkBigInt(child);
}

/** The library would take it modulo 2^64. */
function checkBigInt(value: bigint): void {
  const fits = value < 0n ? BigInt.asIntN(64, value) === value : BigInt.asUintN(64, value) === value;
  if (!fits) throw refusal("a bigint beyond 64 bits");
}

/** The same bytes as a `Uint8Array` proper: of a Node `Buffer` the library would cut more Buffers. */
function plain(bytes: Bytes): Bytes {
  if (bytes.constructor === Uint8Array) return bytes;
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** A copy in which the marked texts begin with U+FEFF twice, of which the library takes one away. */
function doubleMarks(bytes: Bytes, marked: readonly number[]): Bytes {
  const parts: Bytes[] = [];
  let at = 0;
  let total = bytes.length;
  for (let i = 0; i < marked.length; i += 3) {
    const [head, text, length] = marked.slice(i, i + 3) as [number, number, number];
    const opening = new Uint8Array([0xdb, 0, 0, 0, 0, 0xef, 0xbb, 0xbf]);
    new DataView(opening.buffer).setUint32(1, length + 3);
    parts.push(bytes.subarray(at, head), opening);
    total += opening.length - (text - head);
    at = text;
  }
  parts.push(bytes.subarray(at));
  return concatBytes(parts, total);
}

function refusal(what: string, cause?: unknown): TypeError {
  return new TypeError(`Cannot encode msgpack: ${what}`, { cause });
}

function fault(what: string): ProtocolError {
  return new ProtocolError("ERR_DECODE", `Cannot decode msgpack: ${what}`);
}
