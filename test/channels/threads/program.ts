import { vandalize } from "../hostile/vandal.ts";
import { beVictim, leave, survive } from "../kill/thread.ts";
import { runStressJob } from "../stress/thread.ts";
import type { ThreadAnswer, ThreadJob } from "./host.ts";

/** What a thread has of its runtime. */
export interface ThreadPort {
  /** @param run - called with each job */
  hear(run: (job: ThreadJob) => void): void;
  post(answer: ThreadAnswer): void;
  /** End this thread. */
  exit(): void;
}

/** Do the jobs that this thread is given. */
export function serveJobs(port: ThreadPort): void {
  port.hear((job) => {
    if (job.role === "leaver") return leave(job, port.exit);
    doJob(job).then(
      (result) => port.post({ result }),
      (error: unknown) => port.post({ error: String(error) }),
    );
  });
}

async function doJob(job: Exclude<ThreadJob, { role: "leaver" }>): Promise<unknown> {
  switch (job.role) {
    case "victim":
      return beVictim(job);
    case "survivor":
      return survive(job);
    case "vandal":
      return vandalize(job);
    case "send":
    case "receive":
      return runStressJob(job);
  }
}
