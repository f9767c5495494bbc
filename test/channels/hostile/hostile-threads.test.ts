import { afterAll, beforeAll } from "vitest";
import { NodeThreads } from "../threads/node.ts";
import { hostileSuite } from "./suite.ts";

let threads: NodeThreads;
beforeAll(async () => {
  threads = await NodeThreads.make();
});
afterAll(() => threads.remove());

hostileSuite("node:worker_threads", () => threads);
