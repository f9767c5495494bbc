import type { Bytes } from "../bytes.ts";
import { errorName, ProtocolError, StreamError } from "../errors.ts";
import { MAX_HELLO_BYTES } from "../limits.ts";
import { type FrameReader, SESSION_ID } from "../wire/frame.ts";
import * as FrameType from "../wire/frame-type.ts";
import { decodeHello, type Hello } from "../wire/hello.ts";
import { readReason } from "../wire/reason.ts";
import type { Cursor } from "../wire/varint.ts";
import type { Connection } from "./connection.ts";
import { heardHello } from "./handshake.ts";

/** The peer may not send this frame now. @throws {ProtocolError} */
export function refuseFrame({ state }: Connection, { type }: FrameReader): never {
  throw new ProtocolError("ERR_PROTOCOL", `Cannot accept frame type ${type} while ${state}`);
}

/** Apply a frame of the session itself: one with stream id 0. @throws {ProtocolError} when it breaks the protocol. */
export function applyToSession(connection: Connection, frame: FrameReader): void {
  if (frame.stream !== SESSION_ID)
    throw new ProtocolError(
      "ERR_PROTOCOL",
      `Cannot accept frame type ${frame.type} on stream ${frame.stream}`,
    );
  const cursor = frame.body();
  switch (frame.type) {
    case FrameType.HELLO:
      return applyHello(connection, frame);
    case FrameType.RESUME:
      return applyResume(connection, frame);
    case FrameType.PING:
      return applyPing(connection, cursor.varint());
    case FrameType.PONG:
      return applyPong(connection, cursor.varint());
    case FrameType.DATAGRAM:
      return applyDatagram(connection, frame.payload(frame.bodyAt));
    case FrameType.GOAWAY:
      return applyGoAway(connection, cursor);
    case FrameType.CLOSE:
      return applyClose(connection, cursor);
    case FrameType.EXTENSION:
      return applyExtension(connection, cursor.varint());
  }
}

function applyHello(connection: Connection, frame: FrameReader): void {
  const length = frame.bodyEnd - frame.bodyAt;
  if (length > MAX_HELLO_BYTES)
    throw new ProtocolError(
      "ERR_LIMIT",
      `Cannot accept HELLO of ${length} bytes: limit is ${MAX_HELLO_BYTES}`,
    );
  heardHello(connection, decodeHello(frame.payload(frame.bodyAt)));
}

function applyResume(connection: Connection, frame: FrameReader): void {
  const peer = connection.peer as Hello;
  if (connection.state === "open") {
    // It was sent before our HELLO had said that the session is not known.
    if (
      !connection.resumption.begun &&
      peer.resumeToken !== undefined &&
      connection.options.role === "server"
    )
      return connection.input.idle();
    refuseFrame(connection, frame);
  }
  if (!connection.resumption.apply(frame)) return;
  connection.state = "open";
  connection.mux.emit({ kind: "open", hello: peer, resumed: true });
}

function applyPing(connection: Connection, token: number): void {
  const { counters, limits, mux, replies } = connection;
  if (!connection.pings.take(mux.now))
    throw new ProtocolError("ERR_RATE", `Cannot accept ping: over ${limits.pingsPerSecond} a second`);
  replies.pong(token);
  counters.pongsDropped = replies.dropped;
}

function applyPong(connection: Connection, token: number): void {
  const { input, keepAlive, mux } = connection;
  const roundTripMs = keepAlive.answered(token, mux.now);
  if (roundTripMs === undefined) return input.idle();
  mux.told.answered();
  mux.emit({ kind: "pong", roundTripMs });
}

/** A datagram came, in a record or outside the lanes. */
export function applyDatagram(connection: Connection, payload: Bytes): void {
  const { counters, limits, mux } = connection;
  if (payload.length > limits.maxDatagramBytes || !mux.emitDatagram(payload)) counters.datagramsRefused++;
}

function applyGoAway(connection: Connection, cursor: Cursor): void {
  const { input, mux } = connection;
  input.idle();
  const code = errorName(cursor.varint());
  const delayMs = cursor.varint();
  const error = new StreamError(code, readReason(cursor) || "The peer takes no new streams");
  mux.refuse(error);
  mux.emit({ kind: "goaway", error, delayMs });
}

function applyClose(connection: Connection, cursor: Cursor): void {
  const code = errorName(cursor.varint());
  connection.closed(code, readReason(cursor) || `Connection was closed by the peer: ${code}`);
}

/** Frames of a later version: an odd type must be understood, an even one may be skipped. */
function applyExtension(connection: Connection, type: number): void {
  if ((type & 1) === 1)
    throw new ProtocolError("ERR_PROTOCOL", `Cannot accept extension frame ${type}: unknown and critical`);
  connection.input.idle();
}
