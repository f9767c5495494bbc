import { connect, type MessageStream, raw, serve } from "tideway/node";
import { serveFeed } from "./feed.ts";

let onFeed: (stream: MessageStream) => void = () => {};
const opened = new Promise<MessageStream>((resolve) => {
  onFeed = resolve;
});

await serveFeed({
  async listen() {
    const server = await serve({
      listen: ["ws://127.0.0.1:0"],
      codecs: [raw],
      onSession: (session) =>
        session.onStream("feed", (stream) => {
          onFeed(stream);
          stream.listen(
            () => {},
            () => {},
          );
        }),
    });
    return Number(new URL(server.urls[0]!).port);
  },
  async send(message) {
    const feed = await opened;
    while (!feed.trySend(message)) await feed.ready();
  },
  async dial(port, onMessage) {
    const session = await connect(`ws://127.0.0.1:${port}`, { codecs: [raw] });
    const stream = session.openStream("feed");
    stream.trySend(new Uint8Array(1));
    stream.listen(onMessage, () => {});
  },
});
