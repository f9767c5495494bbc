// The server process of the WebSocket benches: Tideway and bare `ws`, each on a port of its own.
import { type MessageStream, raw, type Session, serve } from "tideway/node";
import { echoService } from "../calls.ts";
import { makeMessages } from "../messages.ts";
import { serveCommands } from "../process.ts";
import { sendAll, tallyAll } from "../streams.ts";
import { listenBare } from "./bare-ws.ts";
import { residentBytes } from "./memory.ts";
import { decodeText, encodeText, SINK, SOURCE, type SourceRequest } from "./streams.ts";

const server = await serve({
  listen: ["ws://127.0.0.1:0"],
  codecs: [raw],
  services: [echoService],
  onSession: takeStreams,
  maxConnections: 20_000,
  maxPendingPerAddress: 1_024,
});
const bareUrl = await listenBare();

const commands = {
  /** Where both listen. */
  urls: () => ({ tideway: server.urls[0]!, ws: bareUrl }),
  /** Memory of this process without garbage, bytes. */
  residentBytes,
};

/** What the server process can be asked. */
export type ServerCommands = typeof commands;

await serveCommands(commands);

function takeStreams(session: Session): void {
  session.onStream(SINK, async (stream: MessageStream) => {
    const tally = await tallyAll(stream);
    await stream.send(encodeText(JSON.stringify(tally)));
    await stream.close();
  });
  session.onStream(SOURCE, async (stream: MessageStream) => {
    const request = await stream.receive();
    const { count, bytes } = JSON.parse(decodeText(request!)) as SourceRequest;
    await sendAll(stream, makeMessages(bytes), count);
    await stream.close();
  });
}
