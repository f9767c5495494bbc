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
  readonly compressors?: readonly number[];
  /** Session that it is, or that it gives the client; 16 bytes. */
  readonly sessionId?: Bytes;
  /** Client: proves that {@link sessionId} is its session. Server: what proves it the next time. 32 bytes. */
  readonly resumeToken?: Bytes;
  /** Client: how often it has tried to carry the session on, this time included: a later try undoes an earlier one. */
  readonly resumeAttempt?: number;
  /** How long it keeps a session whose connection was lost, ms; 0 or nothing when it does not. */
  readonly resumeMs?: number;
  /** Server: the session that the client named goes on. */
  readonly resumed?: boolean;
  /** Lanes beside the main one that the other side may open on this connection; none when absent. */
  readonly lanes?: number;
  /** What proves who it is; the application decides what that means. */
  readonly token?: Bytes;
  /** Program and version, for logs. */
  readonly agent?: string;
}

type OptionalFields = Pick<
  Hello,
  "sessionId" | "token" | "agent" | "resumeToken" | "resumeMs" | "resumed" | "resumeAttempt" | "lanes"
>;
type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Keys of HELLO fields; unknown ones are ignored. */
const Key = {
  MAX_FRAME_BYTES: 1,
  MAX_MESSAGE_BYTES: 2,
  STREAM_WINDOW: 3,
  SESSION_WINDOW: 4,
  MAX_STREAMS: 5,
  MAX_DATAGRAM_BYTES: 6,
  KEEP_ALIVE_MS: 7,
  CODEC: 8,
  SESSION_ID: 9,
  TOKEN: 10,
  AGENT: 11,
  RESUME_TOKEN: 12,
  RESUME_MS: 13,
  RESUMED: 14,
  RESUME_ATTEMPT: 15,
  COMPRESSOR: 16,
  LANES: 17,
} as const;

/**
 * Body of a HELLO frame: the version as a varint, then fields.
 * @throws {RangeError} when it is longer than {@link MAX_HELLO_BYTES}, which a long token can cause.
 */
export function encodeHello(hello: Hello): Bytes {
  const fields = new FieldWriter()
    .number(Key.MAX_FRAME_BYTES, hello.maxFrameBytes)
    .number(Key.MAX_MESSAGE_BYTES, hello.maxMessageBytes)
    .number(Key.STREAM_WINDOW, hello.streamWindowBytes)
    .number(Key.SESSION_WINDOW, hello.sessionWindowBytes)
    .number(Key.MAX_STREAMS, hello.maxStreams)
    .number(Key.MAX_DATAGRAM_BYTES, hello.maxDatagramBytes)
    .number(Key.KEEP_ALIVE_MS, hello.keepAliveMs);
  for (const codec of hello.codecs) fields.text(Key.CODEC, codec);
  for (const number of hello.compressors ?? []) fields.number(Key.COMPRESSOR, number);
  if (hello.sessionId !== undefined) fields.bytes(Key.SESSION_ID, hello.sessionId);
  if (hello.token !== undefined) fields.bytes(Key.TOKEN, hello.token);
  if (hello.agent !== undefined) fields.text(Key.AGENT, hello.agent);
  if (hello.resumeToken !== undefined) fields.bytes(Key.RESUME_TOKEN, hello.resumeToken);
  if (hello.resumeMs !== undefined) fields.number(Key.RESUME_MS, hello.resumeMs);
  if (hello.resumed === true) fields.number(Key.RESUMED, 1);
  if (hello.resumeAttempt !== undefined) fields.number(Key.RESUME_ATTEMPT, hello.resumeAttempt);
  if (hello.lanes !== undefined) fields.number(Key.LANES, hello.lanes);
  const list = fields.finish();
  if (list.length >= MAX_HELLO_BYTES)
    throw new RangeError(`Cannot send HELLO of ${list.length} bytes: limit is ${MAX_HELLO_BYTES}`);
  const body: Bytes = new Uint8Array(1 + list.length);
  body[0] = PROTOCOL_VERSION;
  body.set(list, 1);
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
  const fields = new FieldReader(body.subarray(cursor.at));
  const numbers = new Map<number, number>();
  const codecs: string[] = [];
  const compressors: number[] = [];
  const rest: Partial<Mutable<OptionalFields>> = {};
  while (fields.next()) {
    if (fields.key >= Key.MAX_FRAME_BYTES && fields.key <= Key.KEEP_ALIVE_MS)
      numbers.set(fields.key, fields.number());
    else if (fields.key === Key.CODEC) codecs.push(fields.text());
    else if (fields.key === Key.COMPRESSOR) compressors.push(fields.number());
    else if (fields.key === Key.SESSION_ID) rest.sessionId = fields.bytes();
    else if (fields.key === Key.TOKEN) rest.token = fields.bytes();
    else if (fields.key === Key.AGENT) rest.agent = fields.text();
    else if (fields.key === Key.RESUME_TOKEN) rest.resumeToken = fields.bytes();
    else if (fields.key === Key.RESUME_MS) rest.resumeMs = fields.number();
    else if (fields.key === Key.RESUMED) rest.resumed = fields.number() === 1;
    else if (fields.key === Key.RESUME_ATTEMPT) rest.resumeAttempt = fields.number();
    else if (fields.key === Key.LANES) rest.lanes = fields.number();
  }
  return {
    maxFrameBytes: bounded(numbers, Key.MAX_FRAME_BYTES, 4_096),
    maxMessageBytes: bounded(numbers, Key.MAX_MESSAGE_BYTES, 1),
    streamWindowBytes: bounded(numbers, Key.STREAM_WINDOW, 1),
    sessionWindowBytes: bounded(numbers, Key.SESSION_WINDOW, 1),
    maxStreams: bounded(numbers, Key.MAX_STREAMS, 0),
    maxDatagramBytes: bounded(numbers, Key.MAX_DATAGRAM_BYTES, 0),
    keepAliveMs: bounded(numbers, Key.KEEP_ALIVE_MS, 0),
    codecs,
    ...(compressors.length > 0 ? { compressors } : {}),
    ...rest,
  };
}

function bounded(numbers: ReadonlyMap<number, number>, key: number, least: number): number {
  const value = numbers.get(key);
  if (value === undefined || value < least || value > MAX_WINDOW_BYTES) {
    throw new ProtocolError("ERR_PROTOCOL", `Cannot accept HELLO: field ${key} is ${value ?? "missing"}`);
  }
  return value;
}

/** Whether two HELLOs of a peer name the same bounds and codecs: a session keeps those it began with. */
export function sameBounds(a: Hello, b: Hello): boolean {
  return (
    a.maxFrameBytes === b.maxFrameBytes &&
    a.maxMessageBytes === b.maxMessageBytes &&
    a.streamWindowBytes === b.streamWindowBytes &&
    a.sessionWindowBytes === b.sessionWindowBytes &&
    a.maxStreams === b.maxStreams &&
    a.codecs.join() === b.codecs.join()
  );
}
