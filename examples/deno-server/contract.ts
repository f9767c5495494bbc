import { contract, serverStream, type, unary } from "tideway";

/** What the server offers. */
export const api = contract({
  greet: unary({ input: type<string>(), output: type<string>(), idempotent: true }),
  /** The time, as often as asked for. */
  clock: serverStream({ input: type<{ everyMs: number }>(), output: type<string>() }),
});
