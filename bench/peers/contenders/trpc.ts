import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { createTRPCClient, createWSClient, wsLink } from "@trpc/client";
import { initTRPC } from "@trpc/server";
import { applyWSSHandler } from "@trpc/server/adapters/ws";
import { WebSocket, WebSocketServer } from "ws";
import { serveContender } from "../contender.ts";
import type { SampleRecord } from "../record.ts";

const t = initTRPC.create();
const router = t.router({
  echo: t.procedure.input((value) => value as string).mutation(({ input }) => input),
  echoRecord: t.procedure.input((value) => value as SampleRecord).mutation(({ input }) => input),
});

await serveContender({
  configuration:
    "wsLink over `ws` with bufferutil, no permessage-deflate, no validator; JSON is its wire format, so bytes are base64",
  async listen() {
    const wss = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false });
    applyWSSHandler({ wss, router });
    await once(wss, "listening");
    return `ws://127.0.0.1:${(wss.address() as AddressInfo).port}`;
  },
  async dial(url) {
    const socket = createWSClient({ url, WebSocket: WebSocket as unknown as typeof globalThis.WebSocket });
    const client = createTRPCClient<typeof router>({ links: [wsLink({ client: socket })] });
    return {
      async echo(message) {
        const text = Buffer.from(message.buffer, message.byteOffset, message.length).toString("base64");
        return Buffer.from(await client.echo.mutate(text), "base64");
      },
      echoRecord: (record) => client.echoRecord.mutate(record),
    };
  },
});
