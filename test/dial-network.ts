import {
  type AcceptOptions,
  accept,
  contract,
  type Dial,
  implement,
  type MemoryPair,
  memoryPair,
  type Session,
  type,
  unary,
} from "../src/index.ts";

/** What the servers of a network offer. */
export const api = contract({ add: unary({ input: type<number>(), output: type<number>() }) });

export const service = implement(api, { add: (number) => number + 1 });

/** How they take sessions. */
export const serve: AcceptOptions = { onSession: (session) => service.attach(session) };

/** A network of which the test says whether it can be reached. */
export class Network {
  readonly pairs: MemoryPair[] = [];
  readonly servers: Session[] = [];
  /** Dials so far. */
  dials = 0;
  /** What a dial ends with; `undefined` while the server can be reached. */
  error: Error | undefined;
  options: AcceptOptions = serve;

  readonly dial: Dial = async () => {
    this.dials++;
    if (this.error !== undefined) throw this.error;
    const pair = memoryPair();
    this.pairs.push(pair);
    this.servers.push(accept(pair.b, this.options));
    return pair.a;
  };

  lose(): void {
    this.pairs.at(-1)?.lose();
  }
}

/** States in the order in which they were told, with the code of their error. */
export function record(session: Session): string[] {
  const states: string[] = [];
  session.addEventListener("statechange", (event) => {
    const { state, error } = event;
    states.push(error === undefined ? state : `${state} ${error.code}`);
  });
  return states;
}
