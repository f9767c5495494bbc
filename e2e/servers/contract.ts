import { clientStream, contract, duplex, serverStream, type, unary } from "tideway";
import * as v from "valibot";

/** Every shape of call, for what a page and Node must agree on. */
export const api = contract({
  echo: unary({ input: type<unknown>(), output: type<unknown>() }),
  bytes: unary({ input: v.instance(Uint8Array), output: v.instance(Uint8Array) }),
  count: serverStream({ input: v.number(), output: v.number() }),
  sum: clientStream({ input: v.number(), output: v.number() }),
  letters: duplex({ input: v.string(), output: v.string() }),
  fail: unary({ input: v.string(), output: v.void(), errors: { NOPE: v.object({ id: v.number() }) } }),
});

const plain = {
  text: "tide · příliv · 潮 · 🌊",
  numbers: [0, -1, 127, 128, 65_536, 2 ** 31, 2 ** 53 - 1, -(2 ** 53) + 1, 0.1, 1e300],
  nested: { list: [[], [1, [2, [3]]], {}], yes: true, no: false, nothing: null },
  empty: "",
};

/** What both ends encode, for each codec what it can carry. */
export const SAMPLE = {
  json: plain,
  msgpack: { ...plain, bytes: new Uint8Array([0, 1, 254, 255]), date: new Date(1_700_000_000_123) },
} as const;
