import { type KillRuns, killAll } from "../kill/runs.ts";
import { type DrawnRuns, stressDrawn } from "../stress/runs.ts";
import type { ThreadHost } from "./host.ts";

/** What takes long: the stress, or threads that are ended. */
export type Work =
  | { readonly name: "stress"; readonly options: DrawnRuns }
  | { readonly name: "kills"; readonly options: KillRuns };

/** Do it in threads of a host, and log what came of it. @throws {Error} when something is wrong. */
export async function doWork(host: ThreadHost, work: Work, log: (line: string) => void): Promise<void> {
  switch (work.name) {
    case "stress":
      await stressDrawn(host, work.options, log);
      return;
    case "kills":
      await killAll(host, work.options, log);
  }
}
