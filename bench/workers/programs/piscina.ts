// A worker of a Piscina pool: it calls the exports by name.
import { compute as computeRounds } from "../contract.ts";

/** A task with one argument, as Piscina calls it. */
export function add([a, b]: readonly [number, number]): number {
  return a + b;
}

/** See {@link computeRounds}. */
export function compute(rounds: number): number {
  return computeRounds(rounds);
}
