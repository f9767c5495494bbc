import { once } from "node:events";
import type { AddressInfo } from "node:net";
import type { Bytes } from "tideway";
import { type RawData, WebSocket, WebSocketServer } from "ws";
import { checkEcho } from "../calls.ts";
import { checkTally, makeMessages, Tally } from "../messages.ts";

// The peer of the WebSocket benches: `ws` alone, one message a send, used as well as it can be.
//
// Binary messages are echoed until a text message asks for something else:
//     {"sink": n}                take n messages, then answer with their tally
//     {"source": n, "bytes": b}  send n messages of b bytes

type Request = { readonly sink: number } | { readonly source: number; readonly bytes: number };

const SEND_OPTIONS = { binary: true, compress: false } as const;

/** Buffered bytes above which a sender waits: of 16 KiB to 4 MiB, what suits `ws` best with small messages. */
const HIGH_WATER_BYTES = 1 << 20;

/** Listen on a free port. @returns the URL. */
export async function listenBare(): Promise<string> {
  const listener = new WebSocketServer({
    host: "127.0.0.1",
    port: 0,
    backlog: 4_096,
    perMessageDeflate: false,
    maxPayload: 1 << 24,
  });
  listener.on("connection", serveSocket);
  await once(listener, "listening");
  return `ws://127.0.0.1:${(listener.address() as AddressInfo).port}`;
}

function serveSocket(socket: WebSocket): void {
  let wanted = 0;
  let tally = new Tally();
  socket.on("error", () => {});
  socket.on("message", (data, isBinary) => {
    if (!isBinary) {
      const request = JSON.parse(data.toString()) as Request;
      if ("source" in request) void sendAll(socket, makeMessages(request.bytes), request.source);
      else {
        wanted = request.sink;
        tally = new Tally();
      }
    } else if (wanted === 0) socket.send(data, SEND_OPTIONS);
    else {
      tally.add(data as Buffer);
      if (tally.count < wanted) return;
      wanted = 0;
      socket.send(JSON.stringify(tally));
    }
  });
}

/** Connect to {@link listenBare}. */
export async function dialBare(url: string): Promise<WebSocket> {
  const socket = new WebSocket(url, { perMessageDeflate: false, maxPayload: 1 << 24 });
  await once(socket, "open");
  return socket;
}

async function sendAll(socket: WebSocket, pool: readonly Bytes[], count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const message = pool[i % pool.length]!;
    if (socket.bufferedAmount < HIGH_WATER_BYTES) socket.send(message, SEND_OPTIONS);
    else await new Promise((resolve) => socket.send(message, SEND_OPTIONS, resolve));
  }
}

/** Send `count` messages to the server. @returns the time until it has them all, ms. */
export async function sendBare(socket: WebSocket, pool: readonly Bytes[], count: number): Promise<number> {
  const start = performance.now();
  const answered = once(socket, "message") as Promise<[RawData]>;
  socket.send(JSON.stringify({ sink: count } satisfies Request));
  await sendAll(socket, pool, count);
  const [answer] = await answered;
  const elapsed = performance.now() - start;
  checkTally(JSON.parse(answer.toString()) as Tally, pool, count);
  return elapsed;
}

/** Have the server send `count` messages. @returns the time until all are here, ms. */
export async function receiveBare(socket: WebSocket, pool: readonly Bytes[], count: number): Promise<number> {
  const tally = new Tally();
  const start = performance.now();
  const arrived = new Promise<void>((resolve) => {
    const onMessage = (data: RawData) => {
      tally.add(data as Buffer);
      if (tally.count < count) return;
      socket.off("message", onMessage);
      resolve();
    };
    socket.on("message", onMessage);
  });
  socket.send(JSON.stringify({ source: count, bytes: pool[0]!.length } satisfies Request));
  await arrived;
  const elapsed = performance.now() - start;
  checkTally(tally, pool, count);
  return elapsed;
}

/**
 * Echo `count` messages with `inFlight` of them under way at a time, and check each answer.
 * @param onEcho - hears the time that each took when one is in flight, ms
 */
export function echoBare(
  socket: WebSocket,
  pool: readonly Bytes[],
  count: number,
  inFlight: number,
  onEcho: (ms: number) => void = () => {},
): Promise<void> {
  return new Promise((resolve, reject) => {
    let sent = 0;
    let received = 0;
    let sentAt = 0;
    const send = () => {
      sentAt = performance.now();
      socket.send(pool[sent++ % pool.length]!, SEND_OPTIONS);
    };
    const onMessage = (data: RawData) => {
      onEcho(performance.now() - sentAt);
      try {
        checkEcho(data as Buffer, pool[received++ % pool.length]!);
      } catch (error) {
        socket.off("message", onMessage);
        reject(error);
        return;
      }
      if (sent < count) send();
      if (received < count) return;
      socket.off("message", onMessage);
      resolve();
    };
    socket.on("message", onMessage);
    while (sent < Math.min(count, inFlight)) send();
  });
}
