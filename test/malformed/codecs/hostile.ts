import { type Codec, json } from "tideway";
import { msgpackCodec } from "tideway/msgpack";
import { schema } from "tideway/schema";
import hostile from "./hostile.json" with { type: "json" };

/** Bytes, as hex digits or as text, once or `times` times. */
interface Part {
  readonly hex?: string;
  readonly text?: string;
  readonly times?: number;
}

interface Case {
  /** Threat that the case is of, or "syntax". */
  readonly row: string;
  readonly codec: string;
  /** Of the schema, when that is the codec. */
  readonly descriptor?: string;
  readonly name: string;
  readonly bytes: readonly Part[];
  /** What the error says, a regular expression. */
  readonly error?: string;
  /** What comes out where that is harmless: JSON. */
  readonly value?: string;
}

/** What a case came to; `problem` is `undefined` when it is as it must be. */
export interface HostileResult {
  readonly name: string;
  readonly problem: string | undefined;
}

const msgpack = msgpackCodec();

/** Decode every case of `hostile.json`, in whatever runtime this is. */
export function runHostile(): HostileResult[] {
  return (hostile as readonly Case[]).map((one) => ({
    name: `${one.codec} ${one.descriptor ?? ""} ${one.row}: ${one.name}`,
    problem: problemOf(one),
  }));
}

function problemOf(one: Case): string | undefined {
  const came = decode(codecOf(one), bytesOf(one.bytes));
  if ("polluted" in {}) return "every object has what the message said";
  if (one.value !== undefined) return came === one.value ? undefined : `not as it was: ${came.slice(0, 100)}`;
  const expected = new RegExp(`^ERR_DECODE Cannot decode \\w+: .*(${one.error})`, "i");
  return expected.test(came) ? undefined : came.slice(0, 100);
}

function codecOf({ codec, descriptor }: Case): Pick<Codec, "decode"> {
  if (descriptor !== undefined) return schema.fromDescriptor(descriptor);
  return codec === "json" ? json : msgpack;
}

/** The value as JSON, or code and message of the error. */
function decode(codec: Pick<Codec, "decode">, bytes: Uint8Array<ArrayBuffer>): string {
  try {
    return JSON.stringify(withoutMethods(codec.decode(bytes)));
  } catch (error) {
    const { code, message } = error as { code?: unknown; message?: unknown };
    return `${code} ${message}`;
  }
}

/** `JSON.stringify` would call a `toJSON` if it were a function; a field of that name must be plain data. */
function withoutMethods(value: unknown): unknown {
  if (typeof value === "function") throw new Error("a function came out");
  if (typeof value === "object" && value !== null) Object.values(value).forEach(withoutMethods);
  return value;
}

function bytesOf(parts: readonly Part[]): Uint8Array<ArrayBuffer> {
  const encoder = new TextEncoder();
  const lists = parts.map(({ hex, text = "", times = 1 }) => {
    const once = hex === undefined ? encoder.encode(text) : fromHex(hex);
    const bytes = new Uint8Array(once.length * times);
    for (let at = 0; at < bytes.length; at += once.length) bytes.set(once, at);
    return bytes;
  });
  const all = new Uint8Array(lists.reduce((total, { length }) => total + length, 0));
  let at = 0;
  for (const list of lists) {
    all.set(list, at);
    at += list.length;
  }
  return all;
}

function fromHex(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}
