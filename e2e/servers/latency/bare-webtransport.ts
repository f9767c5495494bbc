import { BareKind, decodeRequest, encodeReport, REQUEST_BYTES } from "./contract.ts";

type Bytes = Uint8Array<ArrayBuffer>;

interface Lane {
  readonly readable: ReadableStream<Bytes>;
  readonly writable: WritableStream<Bytes>;
}

interface Session {
  readonly ready: Promise<void>;
  readonly closed: Promise<unknown>;
  readonly datagrams: { readonly readable: ReadableStream<Bytes>; readonly writable: WritableStream<Bytes> };
  readonly incomingBidirectionalStreams: ReadableStream<Lane>;
}

interface Endpoint {
  readonly addr: { readonly port: number };
  listen(options: { cert: string; key: string; alpnProtocols: string[] }): {
    incoming(): Promise<{ accept(): Promise<unknown> }>;
  };
}

interface Runtime {
  readonly QuicEndpoint: new (options: { hostname: string; port: number }) => Endpoint;
  upgradeWebTransport(conn: unknown): Promise<Session>;
}

const { QuicEndpoint, upgradeWebTransport } = (globalThis as unknown as { readonly Deno: Runtime }).Deno;

/**
 * Serve WebTransport as the runtime has it, without Tideway: datagrams and streams of bytes that come back, and streams
 * that count or send.
 * @returns where it listens.
 */
export function serveBareWebTransport({
  cert,
  key,
}: {
  readonly cert: string;
  readonly key: string;
}): string {
  const endpoint = new QuicEndpoint({ hostname: "127.0.0.1", port: 0 });
  const listener = endpoint.listen({ cert, key, alpnProtocols: ["h3"] });
  const acceptAll = async () => {
    for (;;) {
      const incoming = await listener.incoming();
      serveSession(incoming).catch(() => {}); // the page has gone
    }
  };
  void acceptAll();
  return `https://127.0.0.1:${endpoint.addr.port}/`;
}

async function serveSession(incoming: { accept(): Promise<unknown> }): Promise<void> {
  const session = await upgradeWebTransport(await incoming.accept());
  await session.ready;
  session.closed.catch(() => {});
  session.datagrams.readable.pipeTo(session.datagrams.writable).catch(() => {});
  for await (const lane of session.incomingBidirectionalStreams) serveLane(lane).catch(() => {});
}

/** The first byte of a stream says what it is for: see {@link BareKind}. */
async function serveLane({ readable, writable }: Lane): Promise<void> {
  const reader = readable.getReader();
  const writer = writable.getWriter();
  const { value } = await reader.read();
  switch (value?.[0]) {
    case BareKind.Echo:
      return echo(reader, writer, value.subarray(1));
    case BareKind.Bulk:
      return count(reader, writer, value.length - 1);
    case BareKind.Source:
      if (value.length < REQUEST_BYTES) throw new Error("Cannot read request: it came in pieces");
      return send(writer, value);
  }
}

type Reader = ReadableStreamDefaultReader<Bytes>;
type Writer = WritableStreamDefaultWriter<Bytes>;

async function echo(reader: Reader, writer: Writer, first: Bytes): Promise<void> {
  if (first.length > 0) await writer.write(first);
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    await writer.write(value);
  }
}

/** Ends of streams do not arrive here: the page sends a byte that is not 0 behind what it has sent. */
async function count(reader: Reader, writer: Writer, first: number): Promise<void> {
  let bytes = first;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    bytes += value.length;
    if (value.at(-1) !== 0) return writer.write(encodeReport(bytes - 1));
  }
}

async function send(writer: Writer, request: Bytes): Promise<void> {
  const { messageBytes, durationMs } = decodeRequest(request);
  const message = new Uint8Array(messageBytes);
  const end = performance.now() + durationMs;
  let bytes = 0;
  while (performance.now() < end) {
    await writer.ready;
    void writer.write(message);
    bytes += message.length;
  }
  await writer.write(encodeReport(bytes));
}
