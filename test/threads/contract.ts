import { clientStream, contract, duplex, serverStream, type, unary } from "tideway";

/** What a worker serves. */
export const workerApi = contract({
  add: unary({ input: type<readonly [number, number]>(), output: type<number>() }),
  count: serverStream({ input: type<number>(), output: type<number>() }),
  sum: clientStream({ input: type<number>(), output: type<number>() }),
  echo: duplex({ input: type<string>(), output: type<string>() }),
  /** Never answers. */
  hang: unary({ input: type<void>(), output: type<void>() }),
  /** How many sessions its thread has. */
  sessions: unary({ input: type<void>(), output: type<number>() }),
  /** Keeps its thread busy. */
  compute: unary({ input: type<number>(), output: type<string>() }),
  /** Has the caller's `double` make its answer. */
  askBack: unary({ input: type<number>(), output: type<number>() }),
  /** Reads one number each time that it was asked to, at most one a millisecond. */
  readSlowly: clientStream({ input: type<string>(), output: type<number>() }),
  /** Throws outside of any call. */
  crash: unary({ input: type<void>(), output: type<void>() }),
  /** Ends the thread. */
  exit: unary({ input: type<void>(), output: type<void>() }),
});

/** What the other side serves to the worker. */
export const ownerApi = contract({
  double: unary({ input: type<number>(), output: type<number>() }),
});

/** Name of the stream that comes back as it is. */
export const MIRROR = "mirror";
