// deno-server.mjs <address> ...
import { serve } from "tideway/deno";
import { runtimeGlobals } from "../suite/globals.ts";
import { SERVER_OPTIONS } from "../suite/peer.ts";
import { servingTls } from "../suite/tls.ts";

const { Deno } = runtimeGlobals();
const server = await serve({ ...SERVER_OPTIONS, ...servingTls(), listen: Deno.args });
console.log(`Listening on ${server.urls.join(" ")}`);
for await (const _ of Deno.stdin.readable) {
  // until its end
}
await server.close({ drainMs: 0 });
console.log(`CLOSED ${server.connections} ${server.sessions.size}`);
Deno.exit();
