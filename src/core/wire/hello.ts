import type { Bytes } from "../bytes.ts";
import { ProtocolError } from "../errors.ts";
import { MAX_HELLO_BYTES, MAX_WINDOW_BYTES } from "../limits.ts";
import { FieldReader, FieldWriter } from "./fields.ts";
import { Cursor } from "./varint.ts";

/** Version of the protocol that this package speaks. */
export const PROTOCOL_VERSION = 1;

/** Name of the protocol where a transport negotiates one, such as the WebSocket subprotocol. */
export const SUBPROTOCOL = "tideway.v1";

/** What a peer says of itself in its first frame. Source: docs/protocol.md, section 6. */
export interface Hello {
  /** Longest frame body that it accepts, bytes. */
  readonly maxFrameBytes: number;
  /** Longest message that it accepts, bytes. */
  readonly maxMessageBytes: number;
  /** First credit of every stream, bytes. */
  readonly streamWindowBytes: number;
  /** First credit of the session, bytes. */
  readonly sessionWindowBytes: number;
  /** Streams that the other side may open at first. */
  readonly maxStreams: number;
  /** Largest datagram that it accepts, bytes. */
  readonly maxDatagramBytes: number;
  /** Silence after which it sends PING, ms; 0 when it does not. */
  readonly keepAliveMs: number;
  /** Codecs that it can decode, the preferred one first. */
  readonly codecs: readonly string[];
  /** Numbers of the compressors that it can expand, the preferred one first; nothing when there is none. */
  readonly compressors?: readonly number[] | undefined;
  /** Session that it is, or that it gives the client; 16 bytes. */
  readonly sessionId?: Bytes | undefined;
  /** Client: proves that {@link sessionId} is its session. Server: what proves it the next time. 32 bytes. */
  readonly resumeToken?: Bytes | undefined;
  /** Client: how often it has tried to carry the session on, this time included: a later try undoes an earlier one. */
  readonly resumeAttempt?: number | undefined;
  /** How long it keeps a session whose connection was lost, ms; 0 or nothing when it does not. */
  readonly resumeMs?: number | undefined;
  /** Server: the session that the client named goes on. */
  readonly resumed?: boolean | undefined;
  /** Lanes beside the main one that the other side may open on this connection; none when absent. */
  readonly lanes?: number | undefined;
  /** What proves who it is; the application decides what that means. */
  readonly token?: Bytes | undefined;
  /** Program and version, for logs. */
  readonly agent?: string | undefined;
}

/** The numbers that every HELLO has: key, name, and least value that works. */
const NUMBERS = [
  [1, "maxFrameBytes", 4_096],
  [2, "maxMessageBytes", 1],
  [3, "streamWindowBytes", 1],
  [4, "sessionWindowBytes", 1],
  [5, "maxStreams", 0],
  [6, "maxDatagramBytes", 0],
  [7, "keepAliveMs", 0],
] as const;

/** Keys of the lists, which take a field for each entry. */
const KEY_CODEC = 8;
const KEY_COMPRESSOR = 16;

/** What else a HELLO may have, in the order of the wire: key, name, and kind of value. Other keys are ignored. */
const OPTIONAL = [
  [9, "sessionId", "bytes"],
  [10, "token", "bytes"],
  [11, "agent", "text"],
  [12, "resumeToken", "bytes"],
  [13, "resumeMs", "number"],
  [14, "resumed", "flag"],
  [15, "resumeAttempt", "number"],
  [17, "lanes", "number"],
] as const;

/** The numbers that every HELLO has. */
export type HelloNumbers = Pick<Hello, (typeof NUMBERS)[number][1]>;

/**
 * Body of a HELLO frame: the version as a varint, then fields.
 * @param numbers - where its numbers are: limits as they are, since a copy of them all is what costs most in a handshake
 * @throws {RangeError} when it is longer than {@link MAX_HELLO_BYTES}, which a long token can cause.
 */
export function encodeHello(hello: Omit<Hello, keyof HelloNumbers>, numbers: HelloNumbers): Bytes {
  const fields = new FieldWriter(PROTOCOL_VERSION);
  for (const [key, name] of NUMBERS) fields.number(key, numbers[name]);
  for (const codec of hello.codecs) fields.text(KEY_CODEC, codec);
  for (const number of hello.compressors ?? []) fields.number(KEY_COMPRESSOR, number);
  for (const [key, name, kind] of OPTIONAL) {
    const value = hello[name];
    // The table says which kind of value the name has.
    if (value !== undefined) fields[kind](key, value as never);
  }
  const body = fields.finish();
  if (body.length > MAX_HELLO_BYTES)
    throw new RangeError(`Cannot send HELLO of ${body.length} bytes: limit is ${MAX_HELLO_BYTES}`);
  return body;
}

/**
 * Read the body of a HELLO frame.
 * @throws {ProtocolError} `ERR_VERSION` for another version, `ERR_PROTOCOL` for malformed or impossible values.
 */
export function decodeHello(body: Uint8Array): Hello {
  const cursor = new Cursor(body);
  const version = cursor.varint();
  if (version !== PROTOCOL_VERSION) {
    throw new ProtocolError(
      "ERR_VERSION",
      `Cannot speak version ${version}: this side speaks ${PROTOCOL_VERSION}`,
    );
  }
  const fields = new FieldReader(body, cursor.at);
  const codecs: string[] = [];
  const compressors: number[] = [];
  const hello: Record<string, unknown> = { codecs };
  while (fields.next()) {
    const { key } = fields;
    const [, name, kind] = OPTIONAL.find(([known]) => known === key) ?? [];
    const number = NUMBERS[key - 1];
    if (number !== undefined) hello[number[1]] = fields.number();
    else if (key === KEY_CODEC) codecs.push(fields.text());
    else if (key === KEY_COMPRESSOR) compressors.push(fields.number());
    else if (kind !== undefined) hello[name] = fields[kind]();
  }
  for (const [key, name, least] of NUMBERS) {
    const value = hello[name] as number | undefined;
    if (value === undefined || value < least || value > MAX_WINDOW_BYTES)
      throw new ProtocolError("ERR_PROTOCOL", `Cannot accept HELLO: field ${key} is ${value ?? "missing"}`);
  }
  if (compressors.length > 0) hello["compressors"] = compressors;
  return hello as unknown as Hello;
}

/** Whether two HELLOs of a peer name the same bounds and codecs: a session keeps those it began with. */
export function sameBounds(a: Hello, b: Hello): boolean {
  const bounds = NUMBERS.slice(0, 5);
  return bounds.every(([, name]) => a[name] === b[name]) && a.codecs.join() === b.codecs.join();
}
