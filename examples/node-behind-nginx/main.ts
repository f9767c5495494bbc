// node main.js [address]
import { implement, serve } from "tideway/node";
import { api } from "./contract.ts";

const service = implement(api, {
  add: ([a, b]) => a + b,
  echo: async function* (messages) {
    for await (const message of messages) yield message;
  },
});

const [, , address = "ws://127.0.0.1:8080/tideway"] = process.argv;
const server = await serve({
  listen: [address],
  services: [service],
  maxPendingPerAddress: 1_000, // all clients come from nginx
});
console.log(`Listening on ${server.urls.join(" ")}`);
process.on("SIGTERM", async () => {
  await server.close();
  process.exit();
});
