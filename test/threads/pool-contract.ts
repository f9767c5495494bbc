import { clientStream, contract, duplex, serverStream, type, unary } from "tideway";

/** What the workers of a pool run in tests. */
export const poolApi = contract({
  add: unary({ input: type<readonly [number, number]>(), output: type<number>() }),
  refuse: unary({
    input: type<string>(),
    output: type<void>(),
    errors: { Refused: type<{ readonly why: string }>() },
  }),
  /** Number of the thread that ran it, and how often this key came there. */
  where: unary({ input: type<void>(), output: type<{ readonly thread: number; readonly times: number }>() }),
  /** Keeps its thread busy for so many ms. */
  busy: unary({ input: type<number>(), output: type<number>() }),
  /** Waits for so many ms, and tells how many others wait at that moment. */
  wait: unary({ input: type<number>(), output: type<number>() }),
  /** Processors that its thread may run on, as Linux writes them. */
  processors: unary({ input: type<void>(), output: type<string>() }),
  part: {
    /** Ends its thread when there is no file of this name; adds a line to it. */
    crashOnce: unary({ input: type<string>(), output: type<string>(), idempotent: true }),
    crash: unary({ input: type<void>(), output: type<void>() }),
  },
  count: serverStream({ input: type<number>(), output: type<number>() }),
  sum: clientStream({ input: type<number>(), output: type<number>() }),
  echo: duplex({ input: type<string>(), output: type<string>() }),
});
