import {
  type AcceptOptions,
  type CallContext,
  type Client,
  client,
  contract,
  type IdempotencyCounters,
  IdempotencyWindow,
  type ImplementOptions,
  implement,
  type SessionOptions,
  type,
  unary,
} from "../src/index.ts";
import { Reconnecting } from "./reconnecting.ts";

/** Two methods of numbers, one of which may fail. */
export const api = contract({
  add: unary({
    input: type<number>(),
    output: type<number>(),
    errors: { FULL: type<{ most: number }>() },
  }),
  sub: unary({ input: type<number>(), output: type<number>() }),
});

/** What both methods do. */
export type Handle = (input: number, context: CallContext) => number | Promise<number>;

/** What {@link openKeyed} is made with. */
export interface KeyedOptions extends Omit<ImplementOptions, "idempotency"> {
  readonly handle: Handle;
  readonly server?: AcceptOptions;
  readonly client?: SessionOptions;
  readonly window?: IdempotencyWindow;
}

/** A service whose handlers are counted, and a client of it that connects again. */
export async function openKeyed({ handle, server = {}, client: own = {}, window, ...options }: KeyedOptions) {
  const contexts: CallContext[] = [];
  const idempotency = window ?? new IdempotencyWindow();
  const run: Handle = (input, context) => {
    contexts.push(context);
    return handle(input, context);
  };
  const service = implement(api, { add: run, sub: run }, { ...options, idempotency });
  const accepting = { ...server, onSession: service.attach };
  const network = await Reconnecting.open({ client: own, server: () => accepting });
  const calls: Client<typeof api> = client(network.session, api);
  const counters = (): Partial<IdempotencyCounters> =>
    Object.fromEntries(Object.entries(idempotency.counters).filter(([, count]) => count > 0));
  return { network, session: network.session, calls, contexts, window: idempotency, counters };
}

/** Options with the key that most calls have. */
export const KEY = { idempotencyKey: "k" };
