// The worker thread of the MessagePort benches: takes sessions, and bare ports that the main thread sends.
import { type MessagePort, parentPort } from "node:worker_threads";
import { raw, serveWorker } from "tideway/node";
import { echoService } from "../../calls.ts";
import { PortLink } from "../links/port.ts";
import { serveLink } from "../links/protocol.ts";
import { takeStreams } from "../session-streams.ts";

serveWorker({ codecs: [raw], services: [echoService], onSession: takeStreams });

parentPort?.on("message", (message: { readonly bare?: MessagePort }) => {
  if (message.bare !== undefined) serveLink(new PortLink(message.bare));
});
