import { type Bytes, decodeText, EMPTY, encodeText } from "../bytes.ts";
import { ProtocolError } from "../errors.ts";
import type { Codec, DecodeLimits } from "./codec.ts";
import { resolveDecodeLimits } from "./decode-limits.ts";
import { copyOut } from "./slab.ts";

/** Room for a text of a third as many characters, which is the worst case of UTF-8. */
const SCRATCH_BYTES = 4_096;

/** A string longer than this is searched natively for its end, which costs a short one more than it saves. */
const SHORT_BYTES = 64;

const SPACE = 0x20;
const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_ARRAY = 0x5b;
const BACKSLASH = 0x5c;
const CLOSE_ARRAY = 0x5d;
const OPEN_OBJECT = 0x7b;
const CLOSE_OBJECT = 0x7d;

/**
 * JSON in UTF-8, named `json`. `undefined` as the whole value is zero bytes, so that a call may return nothing.
 *
 * `encode` keeps to what `JSON.stringify` does (`toJSON` is called, an `undefined` field is left out, an `undefined`
 * element becomes `null`) but throws where that would change or lose a value without a word: functions, symbols,
 * bigints, NaN and infinities, bytes and buffers (use msgpack or raw), objects such as `Map` whose tag is not `Object`,
 * and anything nested deeper than `maxDepth`, which a cycle always is.
 *
 * `decode` counts depth, elements and keys before it parses. A `__proto__` key becomes a plain own property.
 * @throws {RangeError} when a limit is above its hard limit.
 */
export function jsonCodec(limits: Partial<DecodeLimits> = {}): Codec {
  const bounds = resolveDecodeLimits(limits);
  const encoder = new TextEncoder();
  const scratch = new Uint8Array(SCRATCH_BYTES);
  const counts: number[] = [];
  // A level takes two bytes at least, an element two, a key more: so few bytes cannot pass a limit.
  const safeBytes = 2 * Math.min(bounds.maxDepth, bounds.maxElements, bounds.maxKeys);
  return {
    name: "json",
    encode(value) {
      checkValue(value, bounds.maxDepth);
      // Not a string when the value, or what its toJSON() returns, is undefined.
      const text = JSON.stringify(value) as string | undefined;
      if (text === undefined) return EMPTY;
      if (text.length * 3 > SCRATCH_BYTES) return encodeText(text);
      return copyOut(scratch.subarray(0, encoder.encodeInto(text, scratch).written));
    },
    decode(bytes) {
      if (bytes.length === 0) return undefined;
      if (bytes.length > safeBytes) checkBytes(bytes, bounds, counts);
      try {
        return JSON.parse(decodeText(bytes));
      } catch {
        throw fault("malformed text");
      }
    },
  };
}

/** {@link jsonCodec} with the default limits. */
export const json: Codec = /* @__PURE__ */ jsonCodec();

/**
 * Check the limits in one pass that builds nothing. It never refuses a well-formed text that is inside them; a
 * malformed one is left to the parser.
 * @param counts - scratch: for each level around the innermost one, its keys so far
 */
function checkBytes(bytes: Bytes, limits: DecodeLimits, counts: number[]): void {
  const { maxDepth, maxElements, maxKeys } = limits;
  let depth = 0;
  let elements = 0;
  let keys = 0;
  for (let at = 0; at < bytes.length; at++) {
    switch (bytes[at]) {
      case QUOTE:
        at = endOfString(bytes, at + 1);
        break;
      case COMMA:
        elements++;
        if (elements > maxElements) throw fault(`over ${maxElements} elements (maxElements)`);
        break;
      case COLON:
        keys++;
        if (keys > maxKeys) throw fault(`over ${maxKeys} keys (maxKeys)`);
        break;
      case OPEN_ARRAY:
      case OPEN_OBJECT:
        counts[depth++] = keys;
        keys = 0;
        if (depth > maxDepth) throw fault(`deeper than ${maxDepth} levels (maxDepth)`);
        break;
      case CLOSE_ARRAY:
      case CLOSE_OBJECT:
        if (depth === 0) throw fault("malformed text");
        keys = counts[--depth] as number;
        // Commas are one fewer than elements.
        if (!isEmptyAt(bytes, at)) elements++;
        if (elements > maxElements) throw fault(`over ${maxElements} elements (maxElements)`);
    }
  }
}

/** Whether nothing but space is between the bracket that closes at `at` and an opening one. */
function isEmptyAt(bytes: Bytes, at: number): boolean {
  let before = at - 1;
  while ((bytes[before] as number) <= SPACE) before--;
  return bytes[before] === OPEN_ARRAY || bytes[before] === OPEN_OBJECT;
}

/** Offset of the quote that ends the string whose text starts at `at`, or of the end of the bytes. */
function endOfString(bytes: Bytes, at: number): number {
  while (at < bytes.length) {
    const near = Math.min(at + SHORT_BYTES, bytes.length);
    while (at < near) {
      if (bytes[at] === QUOTE) return at;
      at += bytes[at] === BACKSLASH ? 2 : 1;
    }
    const quote = bytes.indexOf(QUOTE, at);
    if (quote < 0) break;
    let slashes = quote;
    while (slashes > at && bytes[slashes - 1] === BACKSLASH) slashes--;
    if ((quote - slashes) % 2 === 0) return quote;
    at = quote + 1;
  }
  return bytes.length;
}

/** Refuse what JSON would change or lose without a word. `room` is the number of levels that may still open. */
function checkValue(value: unknown, room: number): void {
  if (typeof value === "number" && !Number.isFinite(value)) throw refusal(`${value}`);
  if (typeof value === "function" || typeof value === "symbol" || typeof value === "bigint") {
    throw refusal(typeof value);
  }
  if (typeof value !== "object" || value === null) return;
  if (room <= 0) throw refusal("a cycle or too many levels (maxDepth)");
  if (Array.isArray(value)) {
    for (const element of value) checkValue(element, room - 1);
    return;
  }
  const kind = Object.prototype.toString.call(value).slice(8, -1);
  if (ArrayBuffer.isView(value) || kind.endsWith("ArrayBuffer")) throw refusal(`${kind}: use msgpack or raw`);
  const fields = value as Record<string, unknown>;
  if (typeof fields["toJSON"] === "function") return;
  if (kind !== "Object") throw refusal(kind);
  for (const key of Object.keys(fields)) checkValue(fields[key], room - 1);
}

function refusal(what: string): TypeError {
  return new TypeError(`Cannot encode JSON: ${what}`);
}

function fault(what: string): ProtocolError {
  return new ProtocolError("ERR_DECODE", `Cannot decode JSON: ${what}`);
}
