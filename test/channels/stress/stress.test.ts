import { afterAll, beforeAll } from "vitest";
import { NodeThreads } from "../threads/node.ts";
import { stressSuite } from "./suite.ts";

let threads: NodeThreads;
beforeAll(async () => {
  threads = await NodeThreads.make();
});
afterAll(() => threads.remove());

stressSuite("threads of Node", () => threads);
