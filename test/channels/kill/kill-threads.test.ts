import { Worker } from "node:worker_threads";
import { lendChannel } from "tideway/channels";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ProtocolError } from "../../../src/index.ts";
import { NodeThreads } from "../threads/node.ts";
import { killSuite } from "./suite.ts";

let threads: NodeThreads;
beforeAll(async () => {
  threads = await NodeThreads.make();
});
afterAll(() => threads.remove());

killSuite("node:worker_threads", () => threads, {
  ways: ["in order", "exits", "throws", "opens nothing"],
  every: 3,
});

test("lendChannel() lends nothing but channels", async () => {
  const worker = new Worker("", { eval: true });
  expect(() => lendChannel(new SharedArrayBuffer(4_096), worker)).toThrow(ProtocolError);
  await worker.terminate();
});
