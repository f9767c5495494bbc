import { serveCommands } from "../../process.ts";

/** A server that sends numbered messages to one client, and that client, which connects again when it must. */
export interface FeedProgram {
  /** Listen on a free port of 127.0.0.1. */
  listen(options: FeedOptions): Promise<number>;
  /** Send a message to the client, now or when it is back. Waits where there is backpressure. */
  send(message: Uint8Array<ArrayBuffer>): Promise<void> | void;
  /** Connect, and hear every message. */
  dial(port: number, onMessage: (message: Uint8Array) => void): Promise<void>;
}

/** How a contender is set up, where it can be in more than one way. */
export interface FeedOptions {
  /** Whether the server sends what a client has missed, if that is an option. */
  readonly recovers: boolean;
}

/** Messages to send. */
export interface Feed {
  readonly count: number;
  readonly perSecond: number;
}

/** What a client has heard of a feed. */
export interface FeedReport {
  /** Different messages that arrived. */
  readonly arrived: number;
  /** Messages that arrived more than once, counted each time. */
  readonly twice: number;
  /** Messages that arrived after a later one. */
  readonly late: number;
  /** Time from the first to the last message, ms. */
  readonly ms: number;
  /** Longest time without a message, ms. */
  readonly silenceMs: number;
}

const BYTES = 64;

/** Counts what arrives of one feed. */
export class FeedCounter {
  readonly #seen: Set<number> = new Set();
  #twice = 0;
  #late = 0;
  #latest = -1;
  #firstAt = 0;
  #lastAt = 0;
  #silenceMs = 0;

  add(number: number, now: number): void {
    if (this.#seen.size === 0) this.#firstAt = now;
    else this.#silenceMs = Math.max(this.#silenceMs, now - this.#lastAt);
    this.#lastAt = now;
    if (this.#seen.has(number)) this.#twice++;
    else if (number < this.#latest) this.#late++;
    this.#latest = Math.max(this.#latest, number);
    this.#seen.add(number);
  }

  report(): FeedReport {
    return {
      arrived: this.#seen.size,
      twice: this.#twice,
      late: this.#late,
      ms: this.#lastAt - this.#firstAt,
      silenceMs: this.#silenceMs,
    };
  }
}

function toCommands(program: FeedProgram) {
  let counter = new FeedCounter();
  return {
    listen: (options: FeedOptions) => program.listen(options),
    dial: (port: number) =>
      program.dial(port, (message) => {
        if (message.length !== BYTES) throw new Error(`${message.length} bytes arrived instead of ${BYTES}`);
        const number = new DataView(message.buffer, message.byteOffset).getUint32(0);
        counter.add(number, performance.now());
      }),
    /** At the server: send numbered messages at a rate. A late one does not make the next one late. */
    publish: async ({ count, perSecond }: Feed): Promise<void> => {
      const start = performance.now();
      for (let sent = 0; sent < count; ) {
        const due = Math.min(count, Math.ceil(((performance.now() - start) * perSecond) / 1_000));
        while (sent < due) await program.send(numbered(sent++));
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    },
    /** At the client: what has arrived since the last {@link reset}. */
    report: () => counter.report(),
    reset: () => {
      counter = new FeedCounter();
    },
  };
}

/** What the processes of a feed can be asked. */
export type FeedCommands = ReturnType<typeof toCommands>;

/** Be a process of a feed, its server or its client. */
export function serveFeed(program: FeedProgram): Promise<never> {
  return serveCommands(toCommands(program));
}

function numbered(number: number): Uint8Array<ArrayBuffer> {
  const message = new Uint8Array(BYTES);
  new DataView(message.buffer).setUint32(0, number);
  return message;
}
