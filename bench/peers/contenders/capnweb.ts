import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { newWebSocketRpcSession, RpcTarget } from "capnweb";
import { WebSocket, WebSocketServer } from "ws";
import { Tally } from "../../messages.ts";
import { sendInChunks, serveContender } from "../contender.ts";
import type { SampleRecord } from "../record.ts";

// Node has it from version 22 on, and capnweb reads its constants.
globalThis.WebSocket ??= WebSocket as unknown as typeof globalThis.WebSocket;

/** The API; every public method can be called. */
class Api extends RpcTarget {
  #tally = new Tally();

  echo(message: Uint8Array): Uint8Array {
    return message;
  }

  echoRecord(record: SampleRecord): SampleRecord {
    return record;
  }

  message(message: Uint8Array): void {
    this.#tally.add(message);
  }

  confirm(): void {}

  tally(): { count: number; hash: number } {
    const { count, hash } = this.#tally;
    this.#tally = new Tally();
    return { count, hash };
  }
}

await serveContender({
  configuration:
    "newWebSocketRpcSession over `ws` with bufferutil, no permessage-deflate; messages without an answer are calls whose promise is disposed",
  async listen() {
    const listener = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false });
    listener.on("connection", (socket) => {
      newWebSocketRpcSession(socket as unknown as globalThis.WebSocket, new Api());
    });
    await once(listener, "listening");
    return `ws://127.0.0.1:${(listener.address() as AddressInfo).port}`;
  },
  async dial(url) {
    const socket = new WebSocket(url, { perMessageDeflate: false });
    await once(socket, "open");
    const api = newWebSocketRpcSession<Api>(socket as unknown as globalThis.WebSocket);
    return {
      echo: async (message) => (await api.echo(message)) as Uint8Array,
      echoRecord: async (record) => (await api.echoRecord(record)) as SampleRecord,
      async sendAll(pool, count) {
        await sendInChunks(
          pool,
          count,
          (message) => api.message(message)[Symbol.dispose](),
          async () => await api.confirm(),
        );
        return await api.tally();
      },
    };
  },
});
