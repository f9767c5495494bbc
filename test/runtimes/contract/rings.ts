// Rings in the thread of a runtime, and between threads of it: the tests of Node, and a worker of the web.
import { afterAll, beforeAll, expect, test } from "vitest";
import { createChannel, openReceiver, openSender, struct } from "../../../src/threads/channels.ts";
import "../../../src/channels/copy.test.ts";
import "../../../src/channels/lane.test.ts";
import "../../../src/threads/channel-formats.test.ts";
import "../../../src/threads/channels.test.ts";
import "../../../src/transports/ring.test.ts";
import "../../channels/explorer.test.ts";
import "../../channels/hostile/hostile.test.ts";
import "../../channels/kill.test.ts";
import { hostileSuite } from "../../channels/hostile/suite.ts";
import { killSuite } from "../../channels/kill/suite.ts";
import { stressSuite } from "../../channels/stress/suite.ts";
import { NodeThreads } from "../../channels/threads/node.ts";
import { WebThreads } from "../../channels/threads/web.ts";
import { bundle } from "../bundles.ts";

const MESSAGES = 20_000;
const numbers = struct({ number: "u32", half: "f64" });

test("a worker of the web sends back what it receives, blocked while there is nothing", async () => {
  const options = { format: numbers, capacity: 64, start: -100 };
  const [there, back] = [createChannel(options), createChannel(options)];
  const path = await bundle("test/runtimes/programs/ring-thread.ts", "browser");
  const worker = new Worker(`file://${path}`, { type: "module" });
  worker.postMessage({ there, back });
  const sender = openSender(there, numbers);
  const receiver = openReceiver(back, numbers);
  const sending = (async () => {
    for (let number = 0; number < MESSAGES; number++) await sender.send({ number, half: number / 2 });
    sender.close();
  })();
  let next = 0;
  for await (const { number, half } of receiver) {
    if (number !== next || half !== number / 2) throw new Error(`${number} and ${half} in place of ${next}`);
    next++;
  }
  await sending;
  expect(next).toBe(MESSAGES);
  worker.terminate();
});

let threads: NodeThreads;
let workers: WebThreads;
beforeAll(async () => {
  threads = await NodeThreads.make();
  workers = new WebThreads(`file://${await bundle("test/channels/threads/program-web.ts", "browser")}`);
});
afterAll(() => threads.remove());

hostileSuite("the web", () => workers);
stressSuite("Workers of the web", () => workers);
killSuite("the web", () => workers, { ways: ["in order"], every: 3 });
killSuite("node:worker_threads", () => threads, {
  ways: ["in order", "exits", "throws", "opens nothing"],
  every: 3,
});
