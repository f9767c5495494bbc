import { type AcceptOptions, accept } from "../src/session/accept.ts";
import { type ConnectOptions, connectWith } from "../src/session/connect.ts";
import type { Session } from "../src/session/session.ts";
import { type MemoryPair, memoryPair } from "../src/transports/memory.ts";
import { Deferred } from "./sessions.ts";

/** What a {@link Reconnecting} serves and how its client connects. */
export interface ReconnectingOptions {
  readonly client?: ConnectOptions;
  /** For each connection; all of a server that lives on are the same. */
  readonly server: () => AcceptOptions;
}

/**
 * A client that connects again at once, and a server that does not carry sessions on: what is open when the connection
 * is lost is lost.
 */
export class Reconnecting {
  session!: Session;
  readonly servers: Session[] = [];
  readonly #pairs: MemoryPair[] = [];
  readonly #server: () => AcceptOptions;
  #held: Deferred | undefined;
  #isMute = false;

  constructor(options: ReconnectingOptions) {
    this.#server = options.server;
  }

  /** Open the first connection. */
  static async open(options: ReconnectingOptions): Promise<Reconnecting> {
    const network = new Reconnecting(options);
    const reconnect = { minMs: 0, maxMs: 0 };
    network.session = await connectWith(() => network.#dial(), { reconnect, ...options.client });
    return network;
  }

  async #dial() {
    await this.#held?.promise;
    const pair = memoryPair();
    this.#pairs.push(pair);
    if (!this.#isMute) this.servers.push(accept(pair.b, this.#server()));
    return pair.a;
  }

  /** The session of the newest connection that the server has taken. */
  get server(): Session {
    return this.servers.at(-1) as Session;
  }

  /** Connections made so far. */
  get connections(): number {
    return this.#pairs.length;
  }

  /** Lose the newest connection. */
  cut(): void {
    this.#pairs.at(-1)?.lose();
  }

  /** From now on a dial waits for {@link release}. */
  hold(): void {
    this.#held = new Deferred();
  }

  release(): void {
    this.#held?.resolve();
    this.#held = undefined;
  }

  /** Whether who connects is heard by nobody. */
  set isMute(mute: boolean) {
    this.#isMute = mute;
  }
}
