import {
  FAULT_KINDS,
  type FaultKind,
  type SimulateOptions,
  type SimulateResult,
  simulate,
} from "../../src/testing/index.ts";
import type { Plant } from "./plants.ts";

/** The smallest run that still breaks something. */
export interface Shrunk {
  /** Operations that are left. */
  readonly events: number;
  readonly options: SimulateOptions;
  readonly result: SimulateResult;
}

/**
 * Make a run that breaks something smaller: leave out kinds of faults, late operations, and then any others, while it
 * still does.
 *
 * @param options - what the run was made with
 * @param plant - a fault that each run is to have: made afresh for each
 */
export function shrink(seed: number, options: SimulateOptions = {}, plant?: Plant): Shrunk {
  let smallest: SimulateOptions = options;
  const play = (changed: SimulateOptions): SimulateResult =>
    simulate(seed, plant === undefined ? changed : { ...changed, plant: plant() });
  const fails = (changed: SimulateOptions): boolean => {
    if (play(changed).violation === undefined) return false;
    smallest = changed;
    return true;
  };
  let without: readonly FaultKind[] = options.without ?? [];
  for (const kind of FAULT_KINDS) {
    if (fails({ ...smallest, without: [...without, kind] })) without = [...without, kind];
  }
  let operations = play(smallest).operations;
  for (let step = operations >>> 1; step > 0; step >>>= 1) {
    while (operations > step && fails({ ...smallest, operations: operations - step })) operations -= step;
  }
  // Halves of what is left, then quarters, and so on; what was left out changes what is drawn after it, so it is worth
  // another round as long as that finds something.
  let left = Array.from({ length: operations }, (_, index) => index + 1);
  for (let before = left.length + 1; left.length < before; ) {
    before = left.length;
    for (let size = left.length >>> 1; size > 0; size >>>= 1) {
      for (let at = left.length - size; at >= 0; at -= size) {
        const fewer = [...left.slice(0, at), ...left.slice(at + size)];
        if (fails({ ...smallest, operations, skip: numbersWithout(fewer, operations) })) left = fewer;
      }
    }
  }
  return { events: left.length, options: smallest, result: play({ ...smallest, logLines: 30 }) };
}

/** Numbers from 1 to `last` that are not among `left`. */
function numbersWithout(left: readonly number[], last: number): number[] {
  const kept = new Set(left);
  return Array.from({ length: last }, (_, index) => index + 1).filter((number) => !kept.has(number));
}

/** Lines that say what a shrunk run is and what happened last in it. */
export function describeShrunk({ events, options, result }: Shrunk): string {
  const { operations, skip, without } = options;
  const left = result.enabled.length === 0 ? "no faults" : result.enabled.join(", ");
  return [
    `  ${result.violation}`,
    `  smallest: ${events} operations, ${left}`,
    `  simulate(${result.seed}, ${JSON.stringify({ operations, skip, without })})`,
    ...result.log.map((line) => `    ${line}`),
  ].join("\n");
}
