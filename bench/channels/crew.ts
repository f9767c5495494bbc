import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { bundleForNode } from "../../scripts/bundle.mjs";
import { CACHE, ROOT } from "../../scripts/paths.mjs";
import type { Job, PortJob, Report } from "./jobs.ts";

/** Worker threads that do jobs, each with its own ends of channels, which it keeps between jobs. */
export class Crew {
  readonly #workers: Worker[];

  private constructor(workers: Worker[]) {
    this.#workers = workers;
  }

  /** Start so many threads. */
  static async start(count: number): Promise<Crew> {
    const outfile = join(CACHE, `bench-thread-${process.pid}-${++bundles}.mjs`);
    mkdirSync(CACHE, { recursive: true });
    await bundleForNode(join(ROOT, "bench/channels/thread.ts"), outfile);
    const workers = Array.from({ length: count }, () => new Worker(outfile));
    await Promise.all(workers.map((worker) => new Promise((resolve) => worker.once("online", resolve))));
    process.on("exit", () => rmSync(outfile, { force: true }));
    return new Crew(workers);
  }

  /** Have each thread do one of the jobs. @returns what came of them, and the time that all took, ms. */
  async work(
    jobs: readonly (Job | PortJob)[],
  ): Promise<{ readonly reports: readonly Report[]; readonly ms: number }> {
    const start = performance.now();
    const reports = await Promise.all(
      jobs.map(
        (job, index) =>
          new Promise<Report>((resolve, reject) => {
            const worker = this.#workers[index] as Worker;
            const onError = (error: unknown) => reject(error);
            worker.once("error", onError);
            worker.once("message", (report: Report) => {
              worker.removeListener("error", onError);
              resolve(report);
            });
            worker.postMessage(job, "port" in job ? [job.port] : []);
          }),
      ),
    );
    return { reports, ms: performance.now() - start };
  }

  /** End the threads. */
  async close(): Promise<void> {
    await Promise.all(this.#workers.map((worker) => worker.terminate()));
  }
}

let bundles = 0;
