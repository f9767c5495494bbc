import type { Bytes } from "../src/core/bytes.ts";
import { Connection } from "../src/core/connection/connection.ts";
import type { ConnectionOptions } from "../src/core/connection/connection-options.ts";
import type { SessionEvent } from "../src/core/events.ts";
import { MAIN_LANE } from "../src/core/lanes/lane.ts";
import { type Limits, resolveLimits } from "../src/core/limits.ts";
import type { Mux } from "../src/core/streams/mux.ts";
import type { Stream } from "../src/core/streams/stream.ts";

/** One end of a {@link Pair}. */
export type Side = "client" | "server";

/** What a pair is made with. */
export interface PairOptions {
  readonly limits?: Partial<Limits>;
  readonly serverLimits?: Partial<Limits>;
  readonly messageBoundaries?: boolean;
  readonly client?: Partial<ConnectionOptions>;
  readonly server?: Partial<ConnectionOptions>;
  /** What is asked of `takeOutput`. */
  readonly maxBytes?: number;
  /** Byte lanes: the link delivers pieces of this many bytes; whole records by default. */
  readonly pieceBytes?: number;
  /** The server accepts clients only when the test says so. */
  readonly manualAccept?: boolean;
  /** Sessions can be carried on, see {@link Pair.reconnect}. */
  readonly resumable?: boolean;
}

/** Two connections over a link without delay, and one clock. Nothing moves before {@link Pair.settle}. */
export class Pair {
  now = 1_000;
  client: Connection;
  server: Connection;
  /** The streams of the session, while a new pair of connections says HELLO. */
  #lost: { readonly client: Mux; readonly server: Mux } | undefined;
  /** Events of each side in order, `readable` included. */
  readonly clientEvents: SessionEvent[] = [];
  readonly serverEvents: SessionEvent[] = [];
  /** Records that crossed the link, in order. */
  readonly wire: { readonly from: Side; readonly record: Bytes }[] = [];
  /** Called with each event, for tests that act on them. */
  onEvent: (side: Side, event: SessionEvent) => void = () => {};
  readonly #options: PairOptions;

  constructor(options: PairOptions = {}) {
    this.#options = options;
    this.client = this.#connection("client");
    this.server = this.#connection("server");
  }

  #connection(role: Side, changes: Partial<ConnectionOptions> = {}): Connection {
    const { limits, serverLimits, messageBoundaries = true, resumable } = this.#options;
    return new Connection({
      role,
      messageBoundaries,
      codecs: ["raw"],
      now: this.now,
      limits: resolveLimits(role === "server" ? (serverLimits ?? limits) : limits),
      ...(resumable === true && role === "client" ? { resumeMs: 60_000 } : {}),
      ...this.#options[role],
      ...changes,
    });
  }

  /** Lose the connection, with all that is under way, and carry the session on over another one. */
  reconnect(): void {
    const carried = ({ state, mux }: Connection, before: Mux | undefined) =>
      state === "open" || state === "resuming" ? mux : (before ?? mux);
    const lost = {
      client: carried(this.client, this.#lost?.client),
      server: carried(this.server, this.#lost?.server),
    };
    for (const side of [this.client, this.server]) side.lost();
    this.drain();
    this.#lost = lost;
    this.client = this.#connection("client", {
      resume: { sessionId: new Uint8Array(16), resumeToken: new Uint8Array(32), mux: lost.client },
    });
    this.server = this.#connection("server");
  }

  /** Move records and events until nothing moves. */
  settle(): void {
    while (this.#move("client") || this.#move("server"));
  }

  /** Let time pass, call what is due when it is due, and settle. */
  advance(ms: number): void {
    const end = this.now + ms;
    for (let calls = 0; calls < 1_000; calls++) {
      const next = Math.min(...[this.client, this.server].map(({ deadline }) => deadline));
      this.now = Math.max(this.now, Math.min(next, end));
      for (const side of [this.client, this.server]) {
        if (side.deadline <= this.now) side.handleTimeout(this.now);
      }
      this.settle();
      if (next >= end) break;
    }
    this.now = end;
  }

  /** Settle a fresh pair until both sides are open. */
  open(): this {
    this.settle();
    return this;
  }

  /** Move what one side has to send, and nothing else: the other side's answers stay where they are. */
  deliver(from: Side): void {
    while (this.#move(from));
  }

  /** What one side has to send, taken off the link. */
  take(from: Side): Bytes[] {
    const records: Bytes[] = [];
    for (let record = this.#next(from); record !== undefined; record = this.#next(from)) records.push(record);
    return records;
  }

  /** Give a record, or a piece of a lane, to one side, and drain the events. */
  give(to: Side, record: Bytes): void {
    const { messageBoundaries = true, pieceBytes = record.length } = this.#options;
    for (let at = 0; at < record.length; at += pieceBytes) {
      const end = messageBoundaries ? record.length : at + pieceBytes;
      const piece = record.slice(at, end);
      this[to].receive(MAIN_LANE, piece, this.now);
      // What the connection has let go of is written over, as a transport may do.
      if (!messageBoundaries || !this[to].release()) piece.fill(0xdd);
      if (messageBoundaries) break;
    }
    this.drain();
  }

  /** Hand out the events that wait. */
  drain(): void {
    this.#drain("client", this.clientEvents);
    this.#drain("server", this.serverEvents);
  }

  /** The streams that the peer of `side` opened, in order. */
  streams(side: Side): Stream[] {
    const events = side === "client" ? this.clientEvents : this.serverEvents;
    return events.flatMap((event) => (event.kind === "stream" ? [event.stream] : []));
  }

  #next(from: Side): Bytes | undefined {
    const record = this[from].takeOutput(MAIN_LANE, this.#options.maxBytes ?? 1 << 20, this.now);
    if (record !== undefined) this.wire.push({ from, record: record.slice() });
    return record;
  }

  #move(from: Side): boolean {
    const record = this.#next(from);
    if (record !== undefined) this.give(from === "client" ? "server" : "client", record);
    else this.drain();
    return record !== undefined;
  }

  #drain(name: Side, into: SessionEvent[]): void {
    const side = this[name];
    for (let event = side.poll(); event !== undefined; event = side.poll()) {
      into.push(event);
      if (event.kind === "authenticate" && this.#options.manualAccept !== true) {
        const resume = { resumeToken: new Uint8Array(32), resumeMs: 60_000 };
        const resumed = event.hello.resumeToken !== undefined && this.#lost !== undefined;
        const welcome = {
          sessionId: new Uint8Array(16),
          ...(this.#options.resumable === true ? { resume } : {}),
          ...(resumed ? { mux: this.#lost!.server } : {}),
        };
        side.accept(welcome, this.now);
      }
      this.onEvent(name, event);
    }
  }
}

/** Open a stream with the plainest start. */
export function openStream(connection: Connection, name = ""): Stream {
  return connection.mux.open({ name, priority: 3, metadata: new Uint8Array(0) });
}

/** All messages that wait on a stream. */
export function readAll(stream: Stream): Bytes[] {
  const messages: Bytes[] = [];
  for (let message = stream.read(); message !== undefined; message = stream.read()) messages.push(message);
  return messages;
}

/** The codes with which the connections of a pair were closed. */
export function closedCodes(pair: Pair): string[] {
  return [...pair.clientEvents, ...pair.serverEvents].flatMap((event) =>
    event.kind === "closed" ? [event.error?.code ?? "ERR_NONE"] : [],
  );
}
