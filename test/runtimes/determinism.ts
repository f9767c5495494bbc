import type { Programs, Runtime } from "./matrix.ts";
import { runProgram } from "./processes.ts";
import type { Check } from "./refusals.ts";

const RUN_MS = 180_000;

/**
 * Run the same seeds of the simulator, twice, in every runtime that runs programs.
 * @returns one check a runtime: each run comes to the same bytes, in the same order, as the first run of the first runtime
 */
export async function checkDeterminism(programs: Programs, runtimes: readonly Runtime[]): Promise<Check[]> {
  const checks: Check[] = [];
  let wanted: string | undefined;
  for (const { kind, name } of runtimes) {
    const label = `the simulator in ${name}: every run of a seed is the same`;
    try {
      const lines = await runProgram(await programs.simulation(kind), RUN_MS);
      const runs = lines.filter((line) => line.startsWith("SIMULATED "));
      wanted ??= runs[0];
      const same = runs.length === 2 && runs.every((run) => run === wanted && run.includes(" 0 failed "));
      checks.push({ name: label, ...(same ? {} : { problem: `${runs.join(", ")} instead of ${wanted}` }) });
    } catch (error) {
      checks.push({ name: label, problem: error instanceof Error ? error.message : String(error) });
    }
  }
  return checks;
}
