import { contract, type, unary } from "tideway";

/** What the Workers of a pool do in a page. */
export const pageTasks = contract({
  add: unary({ input: type<readonly [number, number]>(), output: type<number>() }),
  /** Which Worker ran it, and how often this key came there. */
  where: unary({ input: type<void>(), output: type<{ readonly worker: string; readonly times: number }>() }),
  /** Ends its Worker. */
  close: unary({ input: type<void>(), output: type<void>() }),
});
