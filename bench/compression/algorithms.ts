import { makeInput } from "../../test/compression/inputs.ts";
import { type Bench, check, type Figure, type Plan, type Target, type Work } from "../harness.ts";
import { median } from "../statistics.ts";
import { type Contender, contenders } from "./contenders.ts";

const KINDS = ["json", "logs", "binary"];
const SIZES: Readonly<Record<string, number>> = { "1 KiB": 1_024, "64 KiB": 65_536, "1 MiB": 1_048_576 };
const MEGA = 1e6;

/** CPU time of this process, ms. What else the machine does takes nothing from it, as it does from the time of day. */
export function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

/**
 * Measure many works, some of which take a tenth of a second a time: each begins with one, and their runs alternate.
 * @param runMs - least length of a run
 * @returns for each work its operations a second, one sample a run.
 */
export async function raceMany(
  { quick, runs }: Plan,
  works: readonly Work[],
  runMs: number = quick ? 15 : 45,
): Promise<number[][]> {
  const samples: number[][] = works.map(() => []);
  const counts: number[] = [];
  for (const work of works) {
    let count = 1;
    for (let ms = await work(count); ms < runMs; ms = await work(count))
      count = ms < 2 ? count * 4 : Math.ceil((count * runMs) / ms + 1);
    counts.push(count);
  }
  for (let run = 0; run < runs; run++)
    for (const [i, work] of works.entries()) {
      const count = counts[i] as number;
      (samples[i] as number[]).push((count / (await work(count))) * 1_000);
    }
  return samples;
}

/** Runs both ways, and checks that what went in comes out. */
export function works({ compress, expand }: Contender, source: Uint8Array): readonly [Work, Work] {
  const block = compress(source).slice();
  check(Buffer.compare(expand(block, source.length), source) === 0, "what was compressed does not come back");
  return [
    (count) => {
      const start = cpuMs();
      let length = 0;
      for (let i = 0; i < count; i++) length = compress(source).length;
      const elapsed = cpuMs() - start;
      check(length === block.length, "compressed to another length");
      return elapsed;
    },
    (count) => {
      const start = cpuMs();
      let length = 0;
      for (let i = 0; i < count; i++) length = expand(block, source.length).length;
      const elapsed = cpuMs() - start;
      check(length === source.length, "expanded to another length");
      return elapsed;
    },
  ];
}

/** What one contender did with one input. */
export interface Result {
  readonly contender: Contender;
  readonly kind: string;
  readonly size: string;
  /** How many times shorter. */
  readonly ratio: number;
  /** MB/s of what is not compressed, one sample a run. */
  readonly compress: readonly number[];
  readonly expand: readonly number[];
}

/** Measure all contenders with one input. */
export async function measure(
  plan: Plan,
  all: readonly Contender[],
  kind: string,
  size: string,
): Promise<readonly Result[]> {
  const source = Buffer.from(makeInput(kind, SIZES[size] as number, 1));
  const samples = await raceMany(
    plan,
    all.flatMap((contender) => [...works(contender, source)]),
  );
  const speed = (rates: readonly number[] = []) => rates.map((rate) => (rate * source.length) / MEGA);
  return all.map((contender, i) => ({
    contender,
    kind,
    size,
    ratio: source.length / contender.compress(source).length,
    compress: speed(samples[2 * i]),
    expand: speed(samples[2 * i + 1]),
  }));
}

/** What P14 asks of the fastest one in Node, MB/s, and which one that is. */
const P14 = {
  compress: { name: "lz4, WASM", value: 500 },
  expand: { name: "lz4, WASM, into one array", value: 2_000 },
} as const;

/** Ours, each beside the fastest of the field that does the same. */
export function toFigures(results: readonly Result[]): Figure[] {
  const figures: Figure[] = [];
  for (const { contender, kind, ratio, size, ...rest } of results.filter((one) => one.contender.own))
    for (const direction of ["compress", "expand"] as const) {
      const rivals = results
        .filter((one) => !one.contender.own && one.contender.algorithm === contender.algorithm)
        .sort((a, b) => median(b[direction]) - median(a[direction]));
      const [best] = rivals;
      const { name, value } = P14[direction];
      const asked = contender.name === name && kind === "json" && size === "1 MiB";
      const target: Target | undefined = asked ? { value } : undefined;
      figures.push({
        id: "P14",
        name: `${kind}, ${size}: ${contender.name} (${ratio.toFixed(2)} : 1), ${direction}`,
        unit: "MB/s",
        better: "higher",
        samples: rest[direction],
        ...(best === undefined ? {} : { peer: { name: best.contender.name, samples: best[direction] } }),
        ...(target === undefined ? {} : { target }),
      });
    }
  return figures;
}

/** P14: every compressor both ways, against the packages of the field. */
export const algorithms: Bench = {
  id: "P14",
  async run(plan) {
    const figures: Figure[] = [];
    const all = await contenders();
    for (const kind of plan.quick ? KINDS.slice(0, 1) : KINDS)
      for (const size of plan.quick ? ["1 MiB"] : Object.keys(SIZES))
        figures.push(...toFigures(await measure(plan, all, kind, size)));
    return figures;
  },
};
