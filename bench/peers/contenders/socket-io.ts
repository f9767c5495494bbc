import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Server } from "socket.io";
import { io } from "socket.io-client";
import { Tally } from "../../messages.ts";
import { sendInChunks, serveContender } from "../contender.ts";
import type { SampleRecord } from "../record.ts";

await serveContender({
  configuration:
    "transports: [websocket] on both sides, so no polling and no upgrade; no compression; bufferutil installed; calls are `emitWithAck`",
  async listen() {
    const http = createServer();
    const server = new Server(http, { transports: ["websocket"], perMessageDeflate: false });
    server.on("connection", (socket) => {
      let tally = new Tally();
      socket.on("echo", (value: unknown, answer: (value: unknown) => void) => answer(value));
      socket.on("message", (message: Buffer) => tally.add(message));
      socket.on("confirm", (answer: () => void) => answer());
      socket.on("tally", (answer: (tally: Tally) => void) => {
        answer(tally);
        tally = new Tally();
      });
    });
    http.listen(0, "127.0.0.1");
    await once(http, "listening");
    return `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  },
  async dial(url) {
    const socket = io(url, { transports: ["websocket"], reconnection: false });
    await new Promise<void>((resolve, reject) => {
      socket.on("connect", resolve);
      socket.on("connect_error", reject);
    });
    return {
      echo: (message) => socket.emitWithAck("echo", message) as Promise<Buffer>,
      echoRecord: (record) => socket.emitWithAck("echo", record) as Promise<SampleRecord>,
      async sendAll(pool, count) {
        await sendInChunks(
          pool,
          count,
          (message) => socket.emit("message", message),
          () => socket.emitWithAck("confirm"),
        );
        return (await socket.emitWithAck("tally")) as Tally;
      },
    };
  },
});
