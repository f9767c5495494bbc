import { type Connect, opener, type SuiteTarget } from "./case.ts";
import { CASES } from "./cases.ts";

/** How a case went. */
export interface CaseResult {
  readonly name: string;
  readonly outcome: "passed" | "failed" | "skipped";
  readonly ms: number;
  /** Why it failed. */
  readonly problem?: string;
}

const CASE_MS = 30_000;

/** Run every case that the target has an address for. Never throws. */
export async function runSuite(connect: Connect, target: SuiteTarget): Promise<CaseResult[]> {
  const results: CaseResult[] = [];
  for (const { name, needs, run } of CASES) {
    const url = target[needs];
    if (url === undefined) {
      results.push({ name, outcome: "skipped", ms: 0 });
      continue;
    }
    const start = performance.now();
    const opened = opener(connect, url);
    let timer: ReturnType<typeof setTimeout> | undefined;
    let problem: string | undefined;
    try {
      const late = new Promise<never>((_resolve, reject) => {
        timer = setTimeout(() => reject(new Error(`Case took longer than ${CASE_MS} ms`)), CASE_MS);
      });
      await Promise.race([run(opened.open), late]);
    } catch (error) {
      problem = error instanceof Error ? `${error.message}` : String(error);
    }
    clearTimeout(timer);
    await opened.close().catch((error: unknown) => {
      problem ??= `Cannot close: ${error}`;
    });
    const ms = Math.round(performance.now() - start);
    results.push({
      name,
      outcome: problem === undefined ? "passed" : "failed",
      ms,
      ...(problem === undefined ? {} : { problem }),
    });
  }
  return results;
}
