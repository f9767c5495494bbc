import type { Chosen } from "./arguments.ts";
import type { Bench, Figure, Plan } from "./harness.ts";
import { describeRuntime } from "./machine.ts";
import { peerVersions } from "./peers/packages.ts";
import { toLine, toTable } from "./report.ts";
import type { SavedFigure, SavedRun } from "./saved.ts";

/**
 * Run benches and print each figure as it comes. A bench that fails is told of on standard error, sets the exit code,
 * and the others go on.
 * @param onBench - hears what there is after each bench
 */
export async function runGroups(
  chosen: Chosen,
  plan: Plan,
  form: "json" | "table",
  onBench: (soFar: SavedRun) => unknown = () => {},
): Promise<SavedRun> {
  const all: SavedFigure[] = [];
  const soFar = (): SavedRun => ({
    date: new Date().toISOString(),
    runtime: describeRuntime(),
    versions: peerVersions(),
    quick: plan.quick,
    figures: all,
  });
  for (const [group, benches] of chosen) {
    const figures: Figure[] = [];
    const start = performance.now();
    for (const bench of benches) {
      const measured = await measure(bench, plan);
      if (form === "json") for (const figure of measured) console.log(JSON.stringify(toLine(figure)));
      figures.push(...measured);
      all.push(...measured.map((figure) => ({ group, ...figure })));
      onBench(soFar());
    }
    if (form === "table" && figures.length > 0) {
      const seconds = Math.round((performance.now() - start) / 1_000);
      console.log(`\n${group}, ${seconds} s\n${toTable(figures)}`);
    }
  }
  return soFar();
}

async function measure(bench: Bench, plan: Plan): Promise<readonly Figure[]> {
  try {
    return await bench.run(plan);
  } catch (error) {
    console.error(`${bench.id} failed:`, error);
    process.exitCode = 1;
    return [];
  }
}
