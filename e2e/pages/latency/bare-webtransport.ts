import { BareKind, decodeReport, encodeRequest, REQUEST_BYTES } from "../../servers/latency/contract.ts";
import { assertSame, type Bytes, datagramEcho, type Peer, type Transfer } from "./peer.ts";

type Reader = ReadableStreamDefaultReader<Uint8Array>;
type Writer = WritableStreamDefaultWriter<Bytes>;

/** The browser's WebTransport: a stream that echoes, datagrams, and a stream for each transfer. */
export async function bareWebTransport(url: string, hash: Bytes): Promise<Peer> {
  const session = new WebTransport(url, {
    serverCertificateHashes: [{ algorithm: "sha-256", value: hash }],
    requireUnreliable: true,
  });
  await session.ready;
  const datagrams = datagramEcho(writerOf(session.datagrams));
  void readDatagrams(session, datagrams.received);
  return {
    echoes: { message: await streamEcho(session), datagram: datagrams.echo },
    up: (messageBytes, durationMs) => up(session, messageBytes, durationMs),
    down: (messageBytes, durationMs) => down(session, messageBytes, durationMs),
    close: async () => session.close(),
  };
}

function writerOf({ writable }: WebTransportDatagramDuplexStream): (payload: Bytes) => void {
  const writer = writable.getWriter();
  return (payload) => void writer.write(payload);
}

async function readDatagrams(session: WebTransport, received: (payload: Uint8Array) => void): Promise<void> {
  const reader = session.datagrams.readable.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      received(value);
    }
  } catch {
    // The session was closed.
  }
}

/** One stream for all echoes: they come back in order. */
async function streamEcho(session: WebTransport): Promise<(payload: Bytes) => Promise<Uint8Array>> {
  const { readable, writable } = await session.createBidirectionalStream();
  const reader = readable.getReader();
  const writer = writable.getWriter();
  const waiting: { readonly answer: Bytes; filled: number; readonly resolve: (answer: Bytes) => void }[] = [];
  void writer.write(new Uint8Array([BareKind.Echo]));
  const readAll = async () => {
    for (;;) {
      let { done, value } = await reader.read();
      if (done) return;
      while (value !== undefined && value.length > 0) {
        const first = waiting[0];
        if (first === undefined) throw new Error("Cannot measure: more came back than was sent");
        const part = value.subarray(0, first.answer.length - first.filled);
        first.answer.set(part, first.filled);
        first.filled += part.length;
        value = value.subarray(part.length);
        if (first.filled === first.answer.length) waiting.shift()?.resolve(first.answer);
      }
    }
  };
  readAll().catch(() => {}); // the session was closed
  return (payload) =>
    new Promise((resolve) => {
      waiting.push({ answer: new Uint8Array(payload.length), filled: 0, resolve });
      void writer.write(payload);
    });
}

async function up(session: WebTransport, messageBytes: number, durationMs: number): Promise<Transfer> {
  const { readable, writable } = await session.createBidirectionalStream();
  const writer = writable.getWriter();
  const message = new Uint8Array(messageBytes);
  const start = performance.now();
  void writer.write(new Uint8Array([BareKind.Bulk]));
  let sent = 0;
  while (performance.now() - start < durationMs) {
    await writer.ready;
    void writer.write(message);
    sent += message.length;
  }
  void writer.write(new Uint8Array([0xff]));
  const { report } = await readReport(readable.getReader());
  const ms = performance.now() - start;
  assertSame(sent, report);
  release(writer);
  return { bytes: report, ms };
}

async function down(session: WebTransport, messageBytes: number, durationMs: number): Promise<Transfer> {
  const { readable, writable } = await session.createBidirectionalStream();
  const writer = writable.getWriter();
  const start = performance.now();
  void writer.write(encodeRequest(messageBytes, durationMs));
  const { received, report } = await readReport(readable.getReader());
  const ms = performance.now() - start;
  assertSame(report, received);
  release(writer);
  return { bytes: received, ms };
}

function release(writer: Writer): void {
  writer.close().catch(() => {});
}

/** Bytes that are 0 up to a report, which ends them. */
async function readReport(reader: Reader): Promise<{ readonly received: number; readonly report: number }> {
  let received = 0;
  let tail: Uint8Array = new Uint8Array(REQUEST_BYTES);
  while (tail[0] !== BareKind.Report) {
    const { done, value } = await reader.read();
    if (done) throw new Error("Cannot measure: the stream ended without a report");
    received += value.length;
    tail = new Uint8Array([...tail, ...value.subarray(-REQUEST_BYTES)]).subarray(-REQUEST_BYTES);
  }
  void reader.cancel().catch(() => {});
  return { received: received - REQUEST_BYTES, report: decodeReport(tail) };
}
