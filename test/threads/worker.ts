// A thread of Node that serves `workerApi` to its parent.
import { parentPort } from "node:worker_threads";
import { serveWorker } from "tideway";
import { workerOptions } from "./service.ts";

const server = serveWorker(workerOptions(() => process.exit(3)));
parentPort?.on("message", (message) => {
  if (message === "sessions") parentPort?.postMessage(server.sessions.size);
  if (message === "close") void server.close().then(() => parentPort?.postMessage("closed"));
});
