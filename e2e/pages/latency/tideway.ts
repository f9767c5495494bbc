import { client, type Session } from "tideway";
import { api, BULK_OPTIONS, decodeReport, encodeRequest, STREAMS } from "../../servers/latency/contract.ts";
import { assertSame, type Bytes, datagramEcho, type Peer, type Transfer } from "./peer.ts";

/** A session of Tideway: a message on an open stream, a unary call, and a datagram where those are native. */
export function tidewayPeer(session: Session): Peer {
  const calls = client(session, api);
  const stream = session.openStream(STREAMS.echo);
  let answered: (message: Uint8Array) => void = () => {};
  stream.listen((message) => answered(message));
  const datagrams = datagramEcho((payload) => void session.sendDatagram(payload));
  session.addEventListener("datagram", ({ payload }) => datagrams.received(payload));
  const native = session.stats().transport === "webtransport";
  return {
    echoes: {
      message: (payload) =>
        new Promise((resolve, reject) => {
          answered = resolve;
          if (!stream.trySend(payload)) reject(new Error("Cannot measure: no credit for one message"));
        }),
      call: (payload) => calls.bytes(payload),
      ...(native ? { datagram: datagrams.echo } : {}),
    },
    up: (messageBytes, durationMs) => up(session, messageBytes, durationMs),
    down: (messageBytes, durationMs) => down(session, messageBytes, durationMs),
    close: async () => void (await session.close()),
  };
}

async function up(session: Session, messageBytes: number, durationMs: number): Promise<Transfer> {
  const stream = session.openStream(STREAMS.up, BULK_OPTIONS);
  const message: Bytes = new Uint8Array(messageBytes);
  const start = performance.now();
  let sent = 0;
  while (performance.now() - start < durationMs) {
    if (stream.trySend(message)) sent += message.length;
    else await stream.ready();
  }
  void stream.close();
  const report = await stream.receive();
  const ms = performance.now() - start;
  const bytes = report === undefined ? 0 : decodeReport(report);
  assertSame(sent, bytes);
  return { bytes, ms };
}

async function down(session: Session, messageBytes: number, durationMs: number): Promise<Transfer> {
  const stream = session.openStream(STREAMS.down, BULK_OPTIONS);
  const start = performance.now();
  stream.trySend(encodeRequest(messageBytes, durationMs));
  let bytes = 0;
  let report: Bytes | undefined;
  await new Promise<void>((resolve, reject) => {
    stream.listen(
      (message) => {
        if (message.length === messageBytes) bytes += message.length;
        else report = message;
      },
      (error) => (error === undefined ? resolve() : reject(error)),
    );
  });
  const ms = performance.now() - start;
  assertSame(report === undefined ? 0 : decodeReport(report), bytes);
  void stream.close();
  return { bytes, ms };
}
