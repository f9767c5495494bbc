import {
  type AcceptOptions,
  accept,
  type ConnectOptions,
  connectWith,
  contract,
  type Dial,
  duplex,
  implement,
  type Session,
  SessionStore,
  type SessionStoreOptions,
  type StateChangeEvent,
  type Transport,
  type,
  unary,
} from "../src/index.ts";
import { type SimulatedLink, simulatedPair } from "../src/testing/link.ts";
import { sleep, until } from "./sessions.ts";

/** What the server of a world offers. */
export const api = contract({
  add: unary({ input: type<number>(), output: type<number>() }),
  slow: unary({ input: type<number>(), output: type<number>() }),
  count: duplex({ input: type<number>(), output: type<number>() }),
});

/** A server that keeps sessions, and the networks that lead to it. */
export class World {
  store: SessionStore;
  readonly links: SimulatedLink[] = [];
  readonly sessions: Session[] = [];
  readonly options: AcceptOptions;
  down = false;
  ran = 0;

  constructor(store: SessionStoreOptions = {}, options: AcceptOptions = {}) {
    this.store = new SessionStore(store);
    this.options = options;
  }

  /** A transport that leads to the server. */
  transport(latencyMs = 1): Transport {
    const link = simulatedPair({ latencyMs });
    this.links.push(link);
    const service = implement(api, {
      add: (number) => number + 1,
      slow: async (ms) => {
        this.ran++;
        await sleep(ms);
        return ms;
      },
      count: async function* (numbers) {
        for await (const number of numbers) yield number;
      },
    });
    accept(link.b, {
      store: this.store,
      ...this.options,
      onSession: (session) => {
        this.sessions.push(session);
        service.attach(session);
        this.options.onSession?.(session);
      },
    });
    return link.a;
  }

  readonly dial: Dial = async () => {
    if (this.down) throw new Error("Server is down");
    return this.transport();
  };

  connect(options: ConnectOptions = {}): Promise<Session> {
    return connectWith(this.dial, { reconnect: { minMs: 1, maxMs: 20 }, ...options });
  }

  get link(): SimulatedLink {
    return this.links.at(-1) as SimulatedLink;
  }

  /** Forget all sessions, as a process that was started again. */
  restart(): void {
    this.store = new SessionStore();
  }
}

/** States in the order in which they were told, with what became of the streams. */
export function record(session: Session): string[] {
  const told: string[] = [];
  session.addEventListener("statechange", ({ state, error, outcome }: StateChangeEvent) => {
    told.push([state, error?.code, outcome?.reason].filter((text) => text !== undefined).join(" "));
  });
  return told;
}

/** Resolves when a session is in that state. */
export function stateIs(session: Session, state: string): Promise<void> {
  return until(() => session.state === state);
}
