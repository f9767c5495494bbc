import type { lendChannel } from "tideway/channels";
import type { VandalJob } from "../hostile/vandal.ts";
import type { LeaverJob, SurvivorJob, VictimJob } from "../kill/job.ts";
import type { StressJob } from "../stress/job.ts";

/** What a thread of the tests of channels can be given. */
export type ThreadJob = StressJob | VictimJob | SurvivorJob | LeaverJob | VandalJob;

/** What a thread says of a job: what came of it, or why nothing did. */
export type ThreadAnswer = { readonly result: unknown } | { readonly error: string };

/** A thread that does jobs. */
export interface JobThread {
  /** The worker that it is, for `lendChannel`. */
  readonly worker: Parameters<typeof lendChannel>[1];
  /** Give it a job, and hear nothing of it. */
  post(job: ThreadJob): void;
  /**
   * Give it a job when it has none.
   * @returns what came of it
   * @throws {Error} when it fails, or when the thread ends.
   */
  run(job: ThreadJob): Promise<unknown>;
  /** End the thread, whatever it is at. */
  terminate(): unknown;
}

/** Starts threads of a runtime. */
export interface ThreadHost {
  start(): JobThread;
}

/** Takes an answer apart. @throws {Error} when the job has failed. */
export function resultOf(answer: ThreadAnswer): unknown {
  if ("error" in answer) throw new Error(`A thread has failed: ${answer.error}`);
  return answer.result;
}
