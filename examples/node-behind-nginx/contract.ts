import { contract, duplex, type, unary } from "tideway";

/** What the server offers. */
export const api = contract({
  add: unary({ input: type<readonly [number, number]>(), output: type<number>() }),
  echo: duplex({ input: type<string>(), output: type<string>() }),
});
