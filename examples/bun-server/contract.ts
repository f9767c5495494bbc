import { contract, serverStream, type, unary } from "tideway";

/** A poll: vote, and watch. */
export const api = contract({
  vote: unary({ input: type<string>(), output: type<number>() }),
  /** All votes, now and after each change. */
  results: serverStream({ input: type<void>(), output: type<Readonly<Record<string, number>>>() }),
});
