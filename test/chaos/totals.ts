import { type Counts, type Faults, type Verdict, VIOLATIONS, verdictOf } from "./auditor.ts";
import type { Fault, FaultKind } from "./proxy.ts";
import type { RunResult } from "./run.ts";

/** Findings of a run that are printed. */
const MOST_FINDINGS = 8;

/** What many runs gave together. */
export class Totals {
  runs = 0;
  refused = 0;
  readonly fired: Record<FaultKind, number> = { fin: 0, reset: 0, freeze: 0 };
  readonly counts: { -readonly [K in keyof Counts]: number } = {
    ok: 0,
    recovered: 0,
    pending: 0,
    lost: 0,
    unexpected: 0,
    duplicated: 0,
    reordered: 0,
    corrupted: 0,
  };
  /** Runs that are not as they should be. */
  readonly failed: RunResult[] = [];
  readonly #resumeMs: number[] = [];

  add(result: RunResult): void {
    this.runs++;
    this.refused += result.refused;
    for (const { kind } of result.fired) this.fired[kind]++;
    for (const name of Object.keys(this.counts) as (keyof Counts)[])
      this.counts[name] += result.audit.counts[name];
    this.#resumeMs.push(...result.resumeMs);
    if (result.error !== undefined || result.audit.verdict !== "green") this.failed.push(result);
  }

  /** Faults that have struck. */
  get faults(): number {
    return this.fired.fin + this.fired.reset + this.fired.freeze;
  }

  /** Resumed connections. */
  get resumes(): number {
    return this.#resumeMs.length;
  }

  /** Time from a loss to the next connection that `share` of all stayed below, ms. */
  resumeMs(share: number): number {
    const sorted = this.#resumeMs.toSorted((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  }

  /** The verdict, when at least so many faults had to strike. */
  verdict(least: Faults["least"]): Verdict {
    return this.failed.length > 0 ? "red" : verdictOf(this.counts, { fired: this.faults, least });
  }

  /** Everything as one line. */
  describe(least: Faults["least"]): string {
    const { fin, reset, freeze } = this.fired;
    const { ok, recovered, pending } = this.counts;
    const violations = VIOLATIONS.map((name) => `${name} ${this.counts[name]}`).join(", ");
    const resumed = `${this.resumes} resumed, p50 ${this.resumeMs(0.5).toFixed(1)} ms, p99 ${this.resumeMs(0.99).toFixed(1)} ms`;
    return [
      `${this.runs} runs, ${this.failed.length} failed`,
      `faults: fin ${fin}, reset ${reset}, freeze ${freeze}, least ${least}`,
      `ok ${ok}, recovered ${recovered}, pending ${pending}, ${violations}`,
      `${resumed}, ${this.refused} first attempts refused`,
      this.verdict(least),
    ].join("; ");
  }
}

/** What is wrong with a run, with what repeats it. */
export function describeFailure({ run, plan, fired, error, audit }: RunResult): string {
  return [
    `${run}: ${plan.map(faultName).join(", then ")}; ${fired.length} struck`,
    ...(error === undefined ? [] : [`  ${error.message}`]),
    ...audit.findings.slice(0, MOST_FINDINGS).map((finding) => `  ${finding}`),
  ].join("\n");
}

/** A fault in words. */
export function faultName({ kind, direction, byte, destroyAfterMs }: Fault): string {
  const destroyed = destroyAfterMs === undefined ? "" : `, destroyed after ${destroyAfterMs} ms`;
  return `${kind} at ${direction} ${byte}${destroyed}`;
}
