import { runSuite } from "../suite/run.ts";
import { overRings } from "../suite/threads.ts";

Object.assign(globalThis, {
  runSuite: async () => {
    const worker = new Worker("/session-thread.js", { type: "module" });
    const results = await runSuite(overRings(worker), { url: "worker:" });
    worker.terminate();
    return results;
  },
});
