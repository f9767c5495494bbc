// A Worker of a pool in a page.
import { implement, KeyedState, servePool, taskKey } from "tideway";
import { pageTasks } from "./pool-contract.ts";

const worker = crypto.randomUUID?.() ?? String(Math.random());
const times = new KeyedState({ create: () => ({ count: 0 }) });

servePool({
  services: [
    implement(pageTasks, {
      add: ([a, b]) => a + b,
      where: (_, context) => ({ worker, times: ++times.of(taskKey(context) ?? "").count }),
      close: () => {
        globalThis.close();
        return new Promise<void>(() => {});
      },
    }),
  ],
});
