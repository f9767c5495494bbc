// node-server.mjs <address> ...
import { serve } from "tideway/node";
import { SERVER_OPTIONS } from "../suite/peer.ts";
import { servingTls } from "../suite/tls.ts";

const server = await serve({ ...SERVER_OPTIONS, ...servingTls(), listen: process.argv.slice(2) });
console.log(`Listening on ${server.urls.join(" ")}`);
process.stdin.on("end", async () => {
  await server.close({ drainMs: 0 });
  console.log(`CLOSED ${server.connections} ${server.sessions.size}`);
  process.exit();
});
process.stdin.resume();
