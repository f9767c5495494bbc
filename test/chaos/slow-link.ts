import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** How slow a link is, the same in both directions. */
export interface LinkShape {
  /** What it carries, bits a second. */
  readonly bitsPerSecond: number;
  /** Time from one end to the other, ms, besides what a queue takes. */
  readonly delayMs: number;
}

/** Bytes that wait at the narrow place before the sender is held up: what a small router keeps. */
const QUEUE_BYTES = 64 * 1024;
/** What leaves at a time. */
const SEGMENT_BYTES = 1_448;

/**
 * A TCP proxy with the rate and the delay of a slow link: a token bucket of one segment for each direction, which all
 * connections share. Dialing it takes no time of the link; what is sent then does.
 */
export class SlowLink {
  readonly port: number;
  readonly #server: Server;
  readonly #sockets: Set<Socket> = new Set();

  /** Listen in front of the server on a port of 127.0.0.1. */
  static async open(target: number, shape: LinkShape): Promise<SlowLink> {
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new SlowLink(server, target, shape);
  }

  constructor(server: Server, target: number, shape: LinkShape) {
    this.#server = server;
    this.port = (server.address() as AddressInfo).port;
    const up = new Bucket(shape);
    const down = new Bucket(shape);
    server.on("connection", (client) => {
      const upstream = connect({ port: target, host: "127.0.0.1", allowHalfOpen: true, noDelay: true });
      for (const socket of [client, upstream]) {
        this.#sockets.add(socket);
        socket.on("close", () => this.#sockets.delete(socket));
        socket.on("error", () => {});
      }
      client.on("close", () => upstream.destroy());
      upstream.on("close", () => client.destroy());
      new Direction(client, upstream, up);
      new Direction(upstream, client, down);
    });
  }

  /** End every connection that passes, without a word. @returns how many those were. */
  cut(): number {
    const count = this.#sockets.size / 2;
    for (const socket of this.#sockets) socket.destroy();
    return count;
  }

  /** Close every socket. */
  async close(): Promise<void> {
    const closed = once(this.#server, "close");
    this.#server.close();
    this.cut();
    await closed;
  }
}

/** When what is sent at the narrow place arrives. */
class Bucket {
  readonly #shape: LinkShape;
  /** When the link has carried all that was sent so far, ms. */
  #freeAt = 0;

  constructor(shape: LinkShape) {
    this.#shape = shape;
  }

  /** Send bytes. @returns when they have left, and when they arrive, ms. */
  take(bytes: number): { readonly leftAt: number; readonly arrivesAt: number } {
    const { bitsPerSecond, delayMs } = this.#shape;
    const leftAt = Math.max(performance.now(), this.#freeAt) + (bytes * 8_000) / bitsPerSecond;
    this.#freeAt = leftAt;
    return { leftAt, arrivesAt: leftAt + delayMs };
  }
}

/** One direction of one connection: what comes in waits, in segments, until it arrives. */
class Direction {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #bucket: Bucket;
  readonly #underWay: {
    readonly bytes: Buffer | undefined;
    readonly leftAt: number;
    readonly arrivesAt: number;
  }[] = [];

  constructor(from: Socket, to: Socket, bucket: Bucket) {
    this.#from = from;
    this.#to = to;
    this.#bucket = bucket;
    from.on("data", (bytes: Buffer) => this.#take(bytes));
    from.on("end", () => this.#put(undefined));
  }

  #take(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; at += SEGMENT_BYTES)
      this.#put(bytes.subarray(at, at + SEGMENT_BYTES));
    if (this.#queuedBytes() >= QUEUE_BYTES) this.#from.pause();
  }

  /** Send a segment, or the end. */
  #put(bytes: Buffer | undefined): void {
    this.#underWay.push({ bytes, ...this.#bucket.take(bytes?.length ?? 0) });
    if (this.#underWay.length === 1) this.#wait();
  }

  /** What has not left yet; what has left is on the line and in nobody's way. */
  #queuedBytes(): number {
    const now = performance.now();
    return this.#underWay.reduce(
      (sum, { bytes, leftAt }) => sum + (leftAt > now ? (bytes?.length ?? 0) : 0),
      0,
    );
  }

  #wait(): void {
    const [next] = this.#underWay;
    if (next === undefined || this.#to.destroyed) return;
    setTimeout(() => this.#deliver(), Math.max(0, next.arrivesAt - performance.now()));
  }

  #deliver(): void {
    const now = performance.now();
    while (this.#underWay.length > 0 && (this.#underWay[0]?.arrivesAt ?? 0) <= now) {
      const bytes = this.#underWay.shift()?.bytes;
      if (bytes === undefined) this.#to.end();
      else this.#to.write(bytes);
    }
    if (this.#from.isPaused() && this.#queuedBytes() < QUEUE_BYTES / 2) this.#from.resume();
    this.#wait();
  }
}
