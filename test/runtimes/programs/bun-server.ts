// bun-server.mjs <address> ...
import { serve } from "tideway/bun";
import { runtimeGlobals } from "../suite/globals.ts";
import { SERVER_OPTIONS } from "../suite/peer.ts";
import { servingTls } from "../suite/tls.ts";

const { Bun } = runtimeGlobals();
const server = await serve({ ...SERVER_OPTIONS, ...servingTls(), listen: Bun.argv.slice(2) });
console.log(`Listening on ${server.urls.join(" ")}`);
for await (const _ of Bun.stdin.stream()) {
  // until its end
}
await server.close({ drainMs: 0 });
console.log(`CLOSED ${server.connections} ${server.sessions.size}`);
process.exit();
