import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import type { Bytes } from "tideway";
import { checkEcho } from "../calls.ts";
import { check } from "../harness.ts";
import { checkTally, makeMessages, Tally } from "../messages.ts";

// The peer of the TCP and IPC benches: `node:net` alone, one message a write. Bytes have no boundaries there: both
// sides know how long the messages are, which costs nothing. A request is three numbers of 32 bits:
//
//     what to do, bytes of a message, messages
//
// SINK is answered with count and hash of the tally, SOURCE with the messages, ECHO with each message.

const SINK = 0;
const SOURCE = 1;
const ECHO = 2;
const REQUEST_BYTES = 12;
const ANSWER_BYTES = 8;

/** Buffered bytes above which a sender waits, as in the bench of WebSocket. */
const HIGH_WATER_BYTES = 1 << 20;

/** Where {@link listenBare} listens. */
export type BareTarget = { readonly port: number; readonly host: string } | { readonly path: string };

/** Listen on a free port or on a path. */
export async function listenBare(path?: string): Promise<BareTarget> {
  const server: Server = createServer({ noDelay: true }, serveSocket);
  if (path === undefined) server.listen(0, "127.0.0.1");
  else server.listen(path);
  await once(server, "listening");
  return path === undefined ? { port: (server.address() as AddressInfo).port, host: "127.0.0.1" } : { path };
}

/** Connect to {@link listenBare}. */
export async function dialBare(target: BareTarget): Promise<Socket> {
  const socket = connect({ ...target, noDelay: true });
  await once(socket, "connect");
  return socket;
}

/** Counts messages of one length in a stream of bytes. */
class Counter {
  readonly tally: Tally = new Tally();
  readonly #length: number;
  #at = 0;
  #first = 0;

  constructor(length: number) {
    this.#length = length;
  }

  add(chunk: Uint8Array): void {
    const length = this.#length;
    let at = 0;
    while (at < chunk.length) {
      if (this.#at === 0) this.#first = chunk[at]!;
      const count = Math.min(chunk.length - at, length - this.#at);
      at += count;
      this.#at += count;
      if (this.#at < length) return;
      this.#at = 0;
      this.tally.addEnds(this.#first, chunk[at - 1]!, length);
    }
  }
}

function serveSocket(socket: Socket): void {
  let wanted = 0;
  let counter = new Counter(1);
  let echoBytes = 0;
  socket.on("error", () => {});
  socket.on("data", (data) => {
    if (echoBytes > 0) {
      echoBytes -= data.length;
      socket.write(data);
    } else if (wanted > 0) {
      counter.add(data);
      if (counter.tally.count < wanted) return;
      wanted = 0;
      const answer = Buffer.alloc(ANSWER_BYTES);
      answer.writeUInt32LE(counter.tally.count, 0);
      answer.writeInt32LE(counter.tally.hash, 4);
      socket.write(answer);
    } else {
      check(data.length >= REQUEST_BYTES, "a request came in pieces");
      const [kind, bytes, count] = [data.readUInt32LE(0), data.readUInt32LE(4), data.readUInt32LE(8)];
      if (kind === SOURCE) void sendAll(socket, makeMessages(bytes), count);
      else if (kind === ECHO) echoBytes = bytes * count;
      else {
        wanted = count;
        counter = new Counter(bytes);
      }
      if (data.length > REQUEST_BYTES) socket.emit("data", data.subarray(REQUEST_BYTES));
    }
  });
}

function ask(socket: Socket, kind: number, bytes: number, count: number): void {
  const request = Buffer.alloc(REQUEST_BYTES);
  for (const [index, value] of [kind, bytes, count].entries()) request.writeUInt32LE(value, index * 4);
  socket.write(request);
}

async function sendAll(socket: Socket, pool: readonly Bytes[], count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const message = pool[i % pool.length]!;
    if (socket.writableLength < HIGH_WATER_BYTES) socket.write(message);
    else await new Promise((resolve) => socket.write(message, resolve));
  }
}

/** Send `count` messages to the server. @returns the time until it has them all, ms. */
export async function sendBare(socket: Socket, pool: readonly Bytes[], count: number): Promise<number> {
  const start = performance.now();
  const answered = once(socket, "data") as Promise<[Buffer]>;
  ask(socket, SINK, pool[0]!.length, count);
  await sendAll(socket, pool, count);
  const [answer] = await answered;
  const elapsed = performance.now() - start;
  checkTally({ count: answer.readUInt32LE(0), hash: answer.readInt32LE(4) }, pool, count);
  return elapsed;
}

/** Have the server send `count` messages. @returns the time until all are here, ms. */
export async function receiveBare(socket: Socket, pool: readonly Bytes[], count: number): Promise<number> {
  const counter = new Counter(pool[0]!.length);
  const start = performance.now();
  const arrived = new Promise<void>((resolve) => {
    const onData = (data: Buffer) => {
      counter.add(data);
      if (counter.tally.count < count) return;
      socket.off("data", onData);
      resolve();
    };
    socket.on("data", onData);
  });
  ask(socket, SOURCE, pool[0]!.length, count);
  await arrived;
  const elapsed = performance.now() - start;
  checkTally(counter.tally, pool, count);
  return elapsed;
}

/**
 * Echo `count` messages, one after the other, and check each answer. They are small enough to come in one piece.
 * @param onEcho - hears the time that each took, ms
 */
export function echoBare(
  socket: Socket,
  pool: readonly Bytes[],
  count: number,
  onEcho: (ms: number) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let done = 0;
    let sentAt = 0;
    const send = () => {
      sentAt = performance.now();
      socket.write(pool[done % pool.length]!);
    };
    const onData = (data: Buffer) => {
      onEcho(performance.now() - sentAt);
      try {
        checkEcho(data, pool[done++ % pool.length]!);
      } catch (error) {
        socket.off("data", onData);
        reject(error);
        return;
      }
      if (done < count) return send();
      socket.off("data", onData);
      resolve();
    };
    socket.on("data", onData);
    ask(socket, ECHO, pool[0]!.length, count);
    send();
  });
}
