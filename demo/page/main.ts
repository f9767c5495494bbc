import { client } from "tideway";
import { msgpackCodec } from "tideway/msgpack";
import { api, LIMITS } from "../contract.ts";
import { ChatPanel } from "./chat.ts";
import { ComparisonPanel } from "./comparison.ts";
import { ConnectionPanel } from "./connection.ts";
import { FilePanel } from "./files.ts";
import { LatencyPanel } from "./latency.ts";
import { findRoutes } from "./routes.ts";
import { connectAtLast } from "./session.ts";
import { showStats } from "./stats.ts";
import { StatusLine } from "./status.ts";
import { showTelemetry } from "./telemetry.ts";
import { TransportPanel } from "./transport.ts";

const routes = await findRoutes();
const shared = { codecs: [msgpackCodec()], limits: LIMITS, reconnect: { maxMs: 5_000 } };
/** Whoever knows it is the owner of the file that this page sends: nobody else must. */
const makeSecret = () => crypto.getRandomValues(new Uint8Array(32));

const status = new StatusLine();
const session = await connectAtLast(
  routes.url,
  { ...shared, ...routes.options, auth: makeSecret() },
  (_error, retryInMs) => status.notReached(retryInMs),
);
status.follow(session);

const calls = client(session, api);
new TransportPanel(session, routes, new ConnectionPanel(session, calls, routes));
showStats(session);
void showTelemetry(session, calls);
new LatencyPanel(session, calls);
new ComparisonPanel(routes, { ...shared, auth: makeSecret() });
new FilePanel(session, calls);
new ChatPanel(session, calls);
