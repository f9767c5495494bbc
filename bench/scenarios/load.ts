// A client process of the scenarios: many connections, some of which send messages at a rate and hear the echo of each.
import { once } from "node:events";
import type { Bytes } from "tideway";
import { connect, raw } from "tideway/node";
import { WebSocket } from "ws";
import { check } from "../harness.ts";
import { serveCommands } from "../process.ts";
import { percentile } from "../statistics.ts";
import type { Kind } from "./server.ts";

/** Connections to open. */
export interface Opening {
  readonly kind: Kind;
  readonly url: string;
  readonly count: number;
}

/** Messages to send. The schedule is kept whatever becomes of the answers. */
export interface Load {
  /** Connections that send, spread over all that are open; the others are idle. */
  readonly active: number;
  /** Messages a second on each of them. */
  readonly perSecond: number;
  readonly ms: number;
}

/** What became of a load: latencies are from sending to the echo, ms. */
export interface LoadReport {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
}

interface Line {
  send(message: Bytes): void;
  close(): void;
}

const BYTES = 64;
/** Connections that are being opened at a time. */
const OPENING = 64;
/** How long the last answers may take, ms. */
const LAST_MS = 5_000;

let lines: Line[] = [];
let latencies: number[] = [];

const commands = {
  /** Open connections and keep them. */
  open: async ({ kind, url, count }: Opening) => {
    let begun = 0;
    const opener = async () => {
      while (begun++ < count) lines.push(await (kind === "tideway" ? dialTideway : dialBare)(url));
    };
    await Promise.all(Array.from({ length: OPENING }, opener));
  },
  /** Send messages at a rate, and wait for every echo. */
  load: async ({ active, perSecond, ms }: Load): Promise<LoadReport> => {
    const step = Math.floor(lines.length / active);
    const senders = Array.from({ length: active }, (_, index) => lines[index * step] as Line);
    const total = Math.round((active * perSecond * ms) / 1_000);
    latencies = [];
    const start = performance.now();
    for (let sent = 0; sent < total; ) {
      const due = Math.min(total, Math.ceil(((performance.now() - start) * active * perSecond) / 1_000));
      while (sent < due) senders[sent++ % active]?.send(stamped());
      await pause(1);
    }
    for (const end = performance.now() + LAST_MS; latencies.length < total && performance.now() < end; )
      await pause(1);
    check(latencies.length === total, `${latencies.length} of ${total} messages came back`);
    return { count: total, p50: percentile(latencies, 0.5), p99: percentile(latencies, 0.99) };
  },
  /** Close them all. */
  close: () => {
    for (const line of lines) line.close();
    lines = [];
  },
};

/** What a client process can be asked. */
export type LoadCommands = typeof commands;

await serveCommands(commands);

/** A message that knows when it was sent, ms as a float64. */
function stamped(): Bytes {
  const message: Bytes = new Uint8Array(BYTES);
  new DataView(message.buffer).setFloat64(0, performance.now());
  return message;
}

function hear(message: Uint8Array): void {
  check(message.length === BYTES, `${message.length} bytes came back for ${BYTES}`);
  latencies.push(performance.now() - new DataView(message.buffer, message.byteOffset).getFloat64(0));
}

async function dialTideway(url: string): Promise<Line> {
  const session = await connect(url, { codecs: [raw], reconnect: false });
  const stream = session.openStream("echo");
  stream.listen(hear, () => {});
  return {
    send: (message) => check(stream.trySend(message), "more is under way than a stream takes"),
    close: () => void session.close(),
  };
}

async function dialBare(url: string): Promise<Line> {
  const socket = new WebSocket(url, { perMessageDeflate: false });
  await once(socket, "open");
  socket.on("message", (data) => hear(data as Buffer));
  return {
    send: (message) => socket.send(message, { compress: false }),
    close: () => socket.terminate(),
  };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
