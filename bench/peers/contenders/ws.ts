import { once } from "node:events";
import type { AddressInfo } from "node:net";
import type { Bytes } from "tideway";
import { type RawData, WebSocket, WebSocketServer } from "ws";
import { Tally } from "../../messages.ts";
import { serveContender } from "../contender.ts";
import type { SampleRecord } from "../record.ts";

/** Buffered bytes above which the sender waits: what suits `ws` best with small messages. */
const HIGH_WATER_BYTES = 1 << 20;
const SEND_OPTIONS = { binary: true, compress: false } as const;

await serveContender({
  configuration:
    "bare sockets with bufferutil, no permessage-deflate; answers are known by their order, so it is a floor and no rival",
  async listen() {
    const listener = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false });
    listener.on("connection", serveSocket);
    await once(listener, "listening");
    return `ws://127.0.0.1:${(listener.address() as AddressInfo).port}`;
  },
  async dial(url) {
    const socket = new WebSocket(url, { perMessageDeflate: false });
    await once(socket, "open");
    const waiting: ((data: RawData) => void)[] = [];
    socket.on("message", (data) => waiting.shift()!(data));
    const call = (data: Bytes | string) =>
      new Promise<RawData>((resolve) => {
        waiting.push(resolve);
        socket.send(data, { compress: false });
      });
    return {
      echo: async (message) => (await call(message)) as Buffer,
      echoRecord: async (record) =>
        JSON.parse((await call(JSON.stringify(record))).toString()) as SampleRecord,
      async sendAll(pool, count) {
        const answer = call(`sink ${count}`);
        for (let i = 0; i < count; i++) {
          const message = pool[i % pool.length]!;
          if (socket.bufferedAmount < HIGH_WATER_BYTES) socket.send(message, SEND_OPTIONS);
          else await new Promise((resolve) => socket.send(message, SEND_OPTIONS, resolve));
        }
        return JSON.parse((await answer).toString()) as Tally;
      },
    };
  },
});

/** Echo, but count where `sink n` has announced n messages. */
function serveSocket(socket: WebSocket): void {
  let wanted = 0;
  let tally = new Tally();
  socket.on("message", (data, isBinary) => {
    if (wanted > 0) {
      tally.add(data as Buffer);
      if (tally.count < wanted) return;
      wanted = 0;
      socket.send(JSON.stringify(tally));
      return;
    }
    const sink = isBinary ? null : /^sink (\d+)$/.exec(data.toString());
    if (sink === null) socket.send(data, { binary: isBinary, compress: false });
    else {
      wanted = Number(sink[1]);
      tally = new Tally();
    }
  });
}
