// bun main.ts [address ...]
import process from "node:process";
import { implement, serve } from "tideway/bun";
import { api } from "./contract.ts";

const votes: Record<string, number> = Object.create(null);
const changed = new EventTarget();

const service = implement(api, {
  vote: (choice) => {
    const count = (votes[choice] ?? 0) + 1;
    votes[choice] = count;
    changed.dispatchEvent(new Event("change"));
    return count;
  },
  results: async function* (_, { signal }) {
    while (!signal.aborted) {
      // A watcher that is slow misses steps in between, and gets the newest state next.
      const next = new Promise((resolve) => {
        changed.addEventListener("change", resolve, { once: true, signal });
        signal.addEventListener("abort", resolve, { once: true });
      });
      yield { ...votes };
      await next;
    }
  },
});

const addresses = process.argv.slice(2);
const server = await serve({
  listen: addresses.length > 0 ? addresses : ["ws://127.0.0.1:8080"],
  services: [service],
});
console.log(`Listening on ${server.urls.join(" ")}`);
process.on("SIGTERM", async () => {
  await server.close({ drainMs: 0 });
  process.exit();
});
