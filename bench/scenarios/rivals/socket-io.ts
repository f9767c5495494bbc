import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Server } from "socket.io";
import { io } from "socket.io-client";
import { serveFeed } from "../feeds/feed.ts";

let server: Server;

await serveFeed({
  async listen({ recovers }) {
    const http = createServer();
    server = new Server(http, {
      transports: ["websocket"],
      perMessageDeflate: false,
      ...(recovers && { connectionStateRecovery: { maxDisconnectionDuration: 120_000 } }),
    });
    http.listen(0, "127.0.0.1");
    await once(http, "listening");
    return (http.address() as AddressInfo).port;
  },
  send(message) {
    server.emit("message", message);
  },
  async dial(port, onMessage) {
    // As soon as ours tries again, on average.
    const options = { transports: ["websocket"], reconnectionDelay: 50, randomizationFactor: 1 };
    const socket = io(`http://127.0.0.1:${port}`, options);
    socket.on("message", onMessage);
    await new Promise<void>((resolve) => socket.once("connect", () => resolve()));
  },
});
