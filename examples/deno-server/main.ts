// deno run --allow-net main.ts [address ...]
import process from "node:process";
import { implement, serve } from "tideway/deno";
import { api } from "./contract.ts";

const service = implement(api, {
  greet: (name) => `Hello ${name}, this is Deno`,
  clock: async function* ({ everyMs }, { signal }) {
    while (!signal.aborted) {
      yield new Date().toISOString();
      await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
  },
});

const addresses = process.argv.slice(2);
const server = await serve({
  listen: addresses.length > 0 ? addresses : ["ws://127.0.0.1:8080", "tcp://127.0.0.1:8081"],
  services: [service],
});
console.log(`Listening on ${server.urls.join(" ")}`);
process.on("SIGTERM", async () => {
  await server.close();
  process.exit();
});
