import { type JobThread, resultOf, type ThreadAnswer, type ThreadHost, type ThreadJob } from "./host.ts";

/** Workers of the web: of a page, of Deno and of Bun. */
export class WebThreads implements ThreadHost {
  readonly #script: string;

  /** @param script - URL of `program-web.ts`, bundled */
  constructor(script: string) {
    this.#script = script;
  }

  start(): JobThread {
    const worker = new Worker(this.#script, { type: "module" });
    return {
      worker,
      post: (job) => worker.postMessage(job),
      run: (job) => answer(worker, job).then(resultOf),
      terminate: () => worker.terminate(),
    };
  }
}

function answer(worker: Worker, job: ThreadJob): Promise<ThreadAnswer> {
  const heard = new AbortController();
  return new Promise<ThreadAnswer>((resolve, reject) => {
    const once = { signal: heard.signal };
    worker.addEventListener("message", ({ data }) => resolve(data as ThreadAnswer), once);
    worker.addEventListener("error", ({ message }) => reject(new Error(message)), once);
    worker.postMessage(job);
  }).finally(() => heard.abort());
}
