// A thread of Node that does jobs of the tests of channels.
import { parentPort } from "node:worker_threads";
import { serveJobs } from "./program.ts";

serveJobs({
  hear: (run) => parentPort?.on("message", run),
  post: (answer) => parentPort?.postMessage(answer),
  exit: () => process.exit(0),
});
