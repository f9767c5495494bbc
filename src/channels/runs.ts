import { corrupt } from "./layout.ts";

/**
 * Cells of an mpsc or mpmc ring change hands in runs: cells in a row, handed over together.
 *
 *     word 0   sequence number: whose turn the cell is
 *     word 1   cells from this one to the end of its run; negative in a run of cells that hold no record
 *
 * The words of all cells of a run are written first, and the sequence number of the first cell last, with the one atomic
 * store of the run. Nobody looks at another cell of it before the position that threads race for has passed the first one,
 * so that the one store publishes all of them. A thread that takes a part of a run leaves a run behind.
 */
export function storeRun(
  control: Int32Array,
  first: number,
  step: number,
  sequence: number,
  run: number,
): void {
  const count = run < 0 ? -run : run;
  const sign = run < 0 ? -1 : 1;
  let word = first;
  for (let i = 1; i < count; i++) {
    word += step;
    control[word] = (sequence + i) | 0;
    control[word + 1] = sign * (count - i);
  }
  control[first + 1] = run;
  Atomics.store(control, first, sequence);
}

/**
 * Cells in a row that have `sequence`, `sequence + 1` and so on: one atomic look for each run.
 * @param most - no more than so many
 * @param untilEnd - cells from the first one to the end of the ring: no run goes further
 * @returns how many; when the first run holds no records, the length of that run, negative.
 * @throws {ProtocolError} when a run has a length that cannot be.
 */
export function countRuns(
  control: Int32Array,
  first: number,
  step: number,
  sequence: number,
  most: number,
  untilEnd: number,
): number {
  const wanted = most < untilEnd ? most : untilEnd;
  let count = 0;
  while (count < wanted) {
    const word = first + count * step;
    if (Atomics.load(control, word) !== ((sequence + count) | 0)) break;
    const run = control[word + 1] as number;
    if (run === 0 || run > untilEnd - count || run < count - untilEnd)
      throw corrupt("the length of a run", run);
    if (run < 0) return count > 0 ? count : run;
    count += run;
  }
  return count < wanted ? count : wanted;
}
