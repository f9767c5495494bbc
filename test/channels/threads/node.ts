import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { bundleForNode } from "../../../scripts/bundle.mjs";
import { CACHE, ROOT } from "../../../scripts/paths.mjs";
import { type JobThread, resultOf, type ThreadAnswer, type ThreadHost, type ThreadJob } from "./host.ts";

let bundles = 0;

/** Threads of `node:worker_threads`. */
export class NodeThreads implements ThreadHost {
  readonly #bundle: string;

  private constructor(bundle: string) {
    this.#bundle = bundle;
  }

  /** Make the program of the threads. */
  static async make(): Promise<NodeThreads> {
    const bundle = join(CACHE, `channel-thread-${process.pid}-${++bundles}.mjs`);
    mkdirSync(CACHE, { recursive: true });
    await bundleForNode(join(ROOT, "test/channels/threads/program-node.ts"), bundle);
    return new NodeThreads(bundle);
  }

  start(): JobThread {
    const worker = new Worker(this.#bundle);
    worker.on("error", () => {}); // what ends by `terminate()` in the middle may say so
    return {
      worker,
      post: (job) => worker.postMessage(job),
      run: (job) => answer(worker, job).then(resultOf),
      terminate: () => worker.terminate(),
    };
  }

  /** Remove the program. */
  remove(): void {
    rmSync(this.#bundle, { force: true });
  }
}

function answer(worker: Worker, job: ThreadJob): Promise<ThreadAnswer> {
  return new Promise((resolve, reject) => {
    const ended = () => reject(new Error("A thread ended early"));
    worker.once("exit", ended);
    worker.once("message", (message: ThreadAnswer) => {
      worker.off("exit", ended);
      resolve(message);
    });
    worker.postMessage(job);
  });
}
