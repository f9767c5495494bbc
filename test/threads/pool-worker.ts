// A worker of a pool in Node that serves `poolApi`.
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { threadId } from "node:worker_threads";
import { CallError, implement, KeyedState, servePool, taskKey } from "tideway";
import { poolApi } from "./pool-contract.ts";

const times = new KeyedState({ create: () => ({ count: 0 }) });
let waiting = 0;

servePool({
  services: [
    implement(poolApi, {
      add: ([a, b]) => a + b,
      refuse: (why) => {
        throw new CallError("ERR_APPLICATION", "Refused", "It was refused", { why });
      },
      where: (_, context) => {
        const state = times.of(taskKey(context) ?? "");
        return { thread: threadId, times: ++state.count };
      },
      busy: (ms) => {
        for (const end = performance.now() + ms; performance.now() < end; );
        return threadId;
      },
      wait: async (ms) => {
        waiting++;
        await sleep(ms);
        return waiting--;
      },
      processors: () =>
        /Cpus_allowed_list:\s*(\S+)/.exec(readFileSync("/proc/thread-self/status", "utf8"))?.[1] ?? "",
      part: {
        crashOnce: (file) => {
          if (existsSync(file)) return "ran again";
          appendFileSync(file, "crashed");
          process.exit(7);
        },
        crash: () => process.exit(9),
      },
      count: function* (to) {
        for (let number = 1; number <= to; number++) yield number;
      },
      sum: async (numbers) => {
        let total = 0;
        for await (const number of numbers) total += number;
        return total;
      },
      echo: async function* (messages) {
        for await (const message of messages) yield message;
      },
    }),
  ],
});
