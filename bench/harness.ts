import type { Better } from "./statistics.ts";

/** How much a bench should do. */
export interface Plan {
  readonly quick: boolean;
  /** Timed runs of each contender. */
  readonly runs: number;
  /** Length of a run, ms, where a bench can choose it. */
  readonly runMs: number;
  /** How long each contender runs before the first timed run, ms: until its code is compiled and settled. */
  readonly warmUpMs: number;
}

/** A run short enough for many benches in a minute. */
export const QUICK_PLAN: Plan = { quick: true, runs: 3, runMs: 40, warmUpMs: 100 };
/** A run for figures that are kept. */
export const FULL_PLAN: Plan = { quick: false, runs: 7, runMs: 1_000, warmUpMs: 3_000 };

/** Timed runs where one takes many seconds. */
export function longRuns({ quick, runs }: Plan): number {
  return quick ? runs : 5;
}

/** What a figure should be; both hold when both are given. */
export interface Target {
  /** The value, or better. */
  readonly value?: number;
  /** Times better than the peer. */
  readonly ratio?: number;
}

/** What a figure is compared with. */
export interface Peer {
  readonly name: string;
  readonly samples: readonly number[];
  /** How it was set up, in a sentence. */
  readonly configuration?: string;
}

/** One measured thing: a sample of each run, and the peer's samples of the same runs. */
export interface Figure {
  /** Row in the table of targets, such as `P4`. */
  readonly id: string;
  readonly name: string;
  readonly unit: string;
  readonly better: Better;
  readonly samples: readonly number[];
  readonly peer?: Peer;
  readonly target?: Target;
  /** What the figure was taken from, where that is a curve: the cost of a unit at each point. */
  readonly curve?: {
    readonly xName: string;
    readonly unit: string;
    readonly xs: readonly number[];
    readonly costs: readonly number[];
  };
}

/** Something that can be measured alone. */
export interface Bench {
  /** Row in the table of targets; what `--only` asks for. */
  readonly id: string;
  /** Measure. Throws when an output is wrong: a figure of wrong results counts for nothing. */
  run(plan: Plan): Promise<readonly Figure[]>;
}

/** Does `count` operations and checks what came of them. @returns the time they took, ms. */
export type Work = (count: number) => number | Promise<number>;

/**
 * Measure how fast each of `works` goes. Each is warmed up first; then their runs
 * alternate, so that a busy machine disturbs all of them alike.
 * @returns for each work its operations a second, one sample a run.
 */
export async function race<W extends readonly Work[]>(
  plan: Plan,
  ...works: W
): Promise<{ -readonly [K in keyof W]: number[] }> {
  const runs: (() => Promise<number>)[] = [];
  for (const work of works) {
    const count = await warmUp(plan, work);
    runs.push(async () => (count / (await work(count))) * 1_000);
  }
  return (await interleave(plan.runs, ...runs)) as { -readonly [K in keyof W]: number[] };
}

/** Run each of `works` in turn, and all of them `runs` times, each from an empty young heap. */
export async function interleave<T>(runs: number, ...works: (() => Promise<T>)[]): Promise<T[][]> {
  const samples: T[][] = works.map(() => []);
  for (let run = 0; run < runs; run++) {
    for (const [index, work] of works.entries()) {
      globalThis.gc?.({ type: "minor" });
      samples[index]!.push(await work());
    }
  }
  return samples;
}

/** Run with rising counts, and for as long as the plan says. @returns the count that takes `runMs`. */
export async function warmUp({ runMs, warmUpMs }: Plan, work: Work): Promise<number> {
  const end = performance.now() + warmUpMs;
  let count = 64;
  for (;;) {
    const elapsed = Math.max(await work(count), 0.001);
    const wanted = Math.ceil(count * (runMs / elapsed));
    if (performance.now() >= end) return wanted;
    count = Math.min(wanted, count * 8);
  }
}

/** The time that `run` takes, ms. */
export async function elapsedMs(run: () => unknown): Promise<number> {
  const start = performance.now();
  await run();
  return performance.now() - start;
}

/** @throws {Error} when what a bench produced is not what it must be. */
export function check(holds: boolean, problem: string): asserts holds {
  if (!holds) throw new Error(`Cannot count the figure: ${problem}`);
}
