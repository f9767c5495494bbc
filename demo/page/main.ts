import { client } from "tideway";
import { msgpackCodec } from "tideway/msgpack";
import { api, LIMITS } from "../contract.ts";
import { ChatPanel } from "./chat.ts";
import { ConnectionPanel } from "./connection.ts";
import { FilePanel } from "./files.ts";
import { LatencyPanel } from "./latency.ts";
import { connectAtLast } from "./session.ts";
import { showStats } from "./stats.ts";
import { StatusLine } from "./status.ts";
import { showTelemetry } from "./telemetry.ts";

const url = new URL("/tideway", location.href);
url.protocol = location.protocol === "https:" ? "wss:" : "ws:";

const status = new StatusLine();
const session = await connectAtLast(
  url,
  {
    codecs: [msgpackCodec()],
    limits: LIMITS,
    // Whoever knows it is the owner of the file that this page sends: nobody else must.
    auth: crypto.getRandomValues(new Uint8Array(32)),
    reconnect: { maxMs: 5_000 },
  },
  (_error, retryInMs) => status.notReached(retryInMs),
);
status.follow(session);

const calls = client(session, api);
new ConnectionPanel(session, calls, url);
showStats(session);
void showTelemetry(session, calls);
new LatencyPanel(session, calls);
new FilePanel(session, calls);
new ChatPanel(session, calls);
