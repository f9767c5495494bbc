import type { Bytes } from "../bytes.ts";
import { StateError } from "../errors.ts";
import { OwnLanes } from "../lanes/lanes.ts";
import type { Mux } from "../streams/mux.ts";
import { SESSION_ID } from "../wire/frame.ts";
import * as FrameType from "../wire/frame-type.ts";
import { encodeHello, type Hello } from "../wire/hello.ts";
import type { RecordWriter } from "../wire/record-writer.ts";
import type { Connection } from "./connection.ts";
import type { Welcome } from "./connection-options.ts";

/**
 * The peer has said HELLO. A server asks the application whether it may come in.
 *
 * Source: docs/protocol.md, section 6.
 */
export function heardHello(connection: Connection, hello: Hello): void {
  connection.peer = hello;
  const { resume, resumeMs = 0, role } = connection.options;
  if (role === "server") {
    connection.state = "authenticating";
    connection.mux.emit({ kind: "authenticate", hello });
    return;
  }
  connection.resumption.keeps = hello.resumeToken !== undefined && resumeMs > 0;
  // A peer that pings keeps the connection known to be alive; ask only when it should have done so.
  welcomed(connection, hello, hello.keepAliveMs * 1.5, connection.resumption.answered(resume, hello));
}

/**
 * Server: let the client in.
 * @throws {StateError} when no client waits for it.
 */
export function acceptClient(connection: Connection, { mux, resume, sessionId }: Welcome, now: number): void {
  const { keepAlive, limits, peer, resumption, state } = connection;
  if (state !== "authenticating" || peer === undefined)
    throw new StateError(`Cannot accept client: connection is ${state}`);
  resumption.keeps = resume !== undefined;
  connection.helloDue = hello(connection, { sessionId, ...resume, resumed: mux !== undefined });
  connection.mux.now = now;
  if (mux !== undefined) resumption.tell(mux);
  // Measured before anything queues: the base that flow control goes by. The question rides with HELLO.
  keepAlive.pingDue = true;
  welcomed(connection, peer, limits.keepAliveMs, mux);
}

/** Both HELLOs are exchanged. @param mux - the streams that go on, when some do */
function welcomed(connection: Connection, hello: Hello, keepAliveMs: number, mux: Mux | undefined): void {
  const { claim, compression } = connection.options;
  const { now } = connection.mux;
  connection.keepAlive.start(keepAliveMs, now);
  compression?.agree(hello.compressors ?? []);
  const lanes = new OwnLanes(Math.min(connection.maxLanes, hello.lanes ?? 0));
  if (mux === undefined) {
    connection.state = "open";
    if (claim !== undefined) connection.carry(claim());
    connection.mux.outbox.lanes = lanes;
    connection.mux.adopt(hello);
    connection.mux.emit({ kind: "open", hello, resumed: false });
    return;
  }
  connection.state = "resuming";
  connection.handshakeDeadline = now + connection.limits.handshakeMs;
  connection.carry(mux);
  mux.outbox.lanes = lanes;
  connection.resumption.begin(mux);
}

function hello({ limits, maxLanes, options }: Connection, fields: Partial<Hello>): Bytes {
  const { codecs, compression, token, agent } = options;
  const compressors = compression?.numbers;
  return encodeHello({ codecs, compressors, token, agent, lanes: maxLanes || undefined, ...fields }, limits);
}

/** Write HELLO. @returns the bytes of the record up to its end; 0 when it is not due. */
export function writeHello(connection: Connection, into: RecordWriter): number {
  const body = connection.helloDue;
  if (body === undefined) return 0;
  into.frame(FrameType.HELLO, 0, SESSION_ID, body.length);
  into.put(body);
  into.plain = true;
  connection.helloDue = undefined;
  return into.length;
}

/** The HELLO that a client begins with. */
export function clientHello(connection: Connection): Bytes {
  const { resume, resumeMs } = connection.options;
  return hello(connection, {
    resumeMs,
    sessionId: resume?.sessionId,
    resumeToken: resume?.resumeToken,
    resumeAttempt: resume?.attempt,
  });
}
