// thread-client.mjs <path of session-thread.mjs>: runs the suite against a worker of this runtime.
import { pathToFileURL } from "node:url";
import { runSuite } from "../suite/run.ts";
import { overRings } from "../suite/threads.ts";

const path = process.argv.at(-1) ?? "";
const nodes = await import("node:worker_threads");
const isNode = globalThis.Worker === undefined;
const worker = isNode ? new nodes.Worker(path) : new Worker(pathToFileURL(path).href, { type: "module" });
const results = await runSuite(overRings(worker), { url: "worker:" });
await worker.terminate();
console.log(`RESULTS ${JSON.stringify(results)}`);
