import { BufferPool } from "../core/wire/buffer-pool.ts";
import { connectWith } from "../session/connect.ts";
import type { Dial } from "../session/dialing.ts";
import { type ResolvedOptions, resolveOptions } from "../session/options.ts";
import type { Session } from "../session/session.ts";
import { MessagePortTransport, type PortLike, type PortSurroundings } from "../transports/message-port.ts";
import { isRing, makeRingPair, type RingPair, RingTransport } from "../transports/ring.ts";
import type { Transport } from "../transports/transport.ts";
import { chooseCarrier } from "./carrier.ts";
import type { PortAcceptOptions, WorkerConnectOptions, WorkerDialOptions, WorkerServer } from "./options.ts";
import { acceptTransport } from "./port.ts";
import { onTerminate } from "./terminate.ts";

/** The members of a `Worker` that are used: that of the web, and that of `node:worker_threads`. */
export interface WorkerLike {
  postMessage(message: unknown, transfer: never[]): void;
  /** In Node: -1 when the worker has ended. */
  readonly threadId?: number;
  /** End the thread. Missing where the object only posts messages. */
  terminate?(...given: never[]): unknown;
}

/** What {@link dialOver} sends to a worker: the other end of a channel for one session. */
interface Offer {
  /** Version of the offer. */
  readonly tideway: 1;
  readonly port: PortLike;
  /** Carry the session; without them the port does. */
  readonly rings?: RingPair;
}

/** Open a channel to a worker: `dialWorker` of each runtime. */
export function dialOver(
  worker: WorkerLike,
  options: WorkerDialOptions,
  surroundings: PortSurroundings,
): Dial {
  return async () => {
    const choice = chooseCarrier(options.carrier);
    const starter = worker instanceof EventTarget ? worker : undefined;
    const ends = starter === undefined ? {} : { onEnd: (run: () => void) => onTerminate(worker, run) };
    const around = { ...surroundings, starter, ...ends };
    const { port1, port2 } = new MessageChannel();
    const offer = (rings?: RingPair) => {
      const message: Offer = { tideway: 1, port: port2, ...(rings === undefined ? {} : { rings }) };
      worker.postMessage(message, [port2 as never]); // each runtime names other types
    };
    if (choice.carrier === "message-port") {
      offer();
      options.onCarrier?.(choice);
      return new MessagePortTransport(port1, options, around);
    }
    const rings = makeRingPair(options);
    offer(rings);
    options.onCarrier?.(choice);
    return new RingTransport(rings, port1, "maker", options, around);
  };
}

/** Open a session with a worker: `connectWorker` of each runtime. */
export function connectOverWorker(dial: Dial, options: WorkerConnectOptions): Promise<Session> {
  return connectWith(dial, { ...options, reconnect: false });
}

/** Takes the sessions that are offered to the thread it runs in: `serveWorker` of each runtime. */
export class OfferedSessions implements WorkerServer {
  readonly sessions: Set<Session> = new Set();
  readonly #options: PortAcceptOptions;
  readonly #surroundings: PortSurroundings;
  readonly #resolved: ResolvedOptions;
  readonly #stopListening: () => void;
  /** Sessions that are not let in yet, too. */
  readonly #all: Set<Session> = new Set();

  /**
   * @param listen - calls what it is given with each message to the thread; returns what ends that
   * @throws {RangeError} when a limit is out of its bounds.
   */
  constructor(
    options: PortAcceptOptions,
    surroundings: PortSurroundings,
    listen: (hear: (message: unknown) => void) => () => void,
  ) {
    this.#surroundings = surroundings;
    this.#resolved = resolveOptions({ pool: new BufferPool(), ...options });
    this.#options = {
      ...options,
      onSession: (session) => {
        this.sessions.add(session);
        return options.onSession?.(session); // a promise where it is asynchronous
      },
    };
    this.#stopListening = listen((message) => {
      if (isOffer(message)) this.#accept(message);
    });
  }

  #accept(offer: Offer): void {
    const session = acceptTransport(this.#transportOf(offer), this.#options, this.#resolved);
    this.#all.add(session);
    void session.closed.then(() => {
      this.#all.delete(session);
      this.sessions.delete(session);
    });
  }

  #transportOf({ port, rings }: Offer): Transport {
    if (rings === undefined) return new MessagePortTransport(port, this.#options, this.#surroundings);
    return new RingTransport(rings, port, "taker", this.#options, this.#surroundings);
  }

  async close(): Promise<void> {
    this.#stopListening();
    await Promise.all([...this.#all].map((session) => session.close()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Other messages on the channel of a worker belong to the application. */
function isOffer(message: unknown): message is Offer {
  if (typeof message !== "object" || message === null) return false;
  if (!("tideway" in message && message.tideway === 1 && "port" in message)) return false;
  if (!(message.port instanceof MessagePort)) return false;
  return !("rings" in message) || (canShare && isRingPair(message.rings));
}

const canShare = typeof SharedArrayBuffer !== "undefined";

function isRingPair(rings: unknown): rings is RingPair {
  if (typeof rings !== "object" || rings === null || !("there" in rings) || !("back" in rings)) return false;
  return isRing(rings.there) && isRing(rings.back);
}
