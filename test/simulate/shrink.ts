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
  readonly options: SimulateOptions;
  readonly result: SimulateResult;
}

/**
 * Make a run that breaks something smaller: leave out kinds of faults and late operations while it still does.
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
  return { options: smallest, result: play({ ...smallest, logLines: 30 }) };
}

/** Lines that say what a shrunk run is and what happened last in it. */
export function describeShrunk({ options, result }: Shrunk): string {
  const left = result.enabled.length === 0 ? "no faults" : result.enabled.join(", ");
  return [
    `  ${result.violation}`,
    `  smallest: ${result.operations} operations, ${left}`,
    `  simulate(${result.seed}, ${JSON.stringify({ operations: options.operations, without: options.without })})`,
    ...result.log.map((line) => `    ${line}`),
  ].join("\n");
}
