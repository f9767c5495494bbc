import { contract, type, unary } from "tideway";

/** What the workers of every contender do. */
export const TASKS = contract({
  /** Nearly nothing: what is measured is the way there and back. */
  add: unary({ input: type<readonly [number, number]>(), output: type<number>() }),
  /** Arithmetic for so many rounds. */
  compute: unary({ input: type<number>(), output: type<number>() }),
});

/** The work of `compute`: a few nanoseconds a round, and an answer that depends on all of them. */
export function compute(rounds: number): number {
  let state = rounds | 1;
  for (let round = 0; round < rounds; round++) state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
  return state;
}
