import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { type RSocket, RSocketConnector, RSocketServer } from "rsocket-core";
import { WebsocketClientTransport } from "rsocket-websocket-client";
import { WebsocketServerTransport } from "rsocket-websocket-server";
import { WebSocket, WebSocketServer } from "ws";
import { Tally } from "../../messages.ts";
import { sendInChunks, serveContender } from "../contender.ts";
import type { SampleRecord } from "../record.ts";

/** What `wsCreator` has to give. */
type Listener = ReturnType<
  NonNullable<ConstructorParameters<typeof WebsocketServerTransport>[0]["wsCreator"]>
>;

/** Routes, as metadata. */
const ECHO = Buffer.from("echo");
const TALLY = Buffer.from("tally");
/** Longer than any run, ms: the keep-alive of 1.0.0-alpha.3 ends connections that are busy. */
const KEEP_ALIVE_MS = 600_000;

await serveContender({
  configuration:
    "requestResponse and fireAndForget with the route as metadata, over `ws` with bufferutil, no permessage-deflate; records are JSON",
  async listen() {
    let listener: WebSocketServer | undefined;
    const transport = new WebsocketServerTransport({
      wsCreator: () => {
        listener = new WebSocketServer({ host: "127.0.0.1", port: 0, perMessageDeflate: false });
        return listener as unknown as Listener; // the same class, from other types
      },
    });
    const server = new RSocketServer({ transport, acceptor: { accept: async () => answerer() } });
    await server.bind();
    if (listener!.address() === null) await once(listener!, "listening");
    return `ws://127.0.0.1:${(listener!.address() as AddressInfo).port}`;
  },
  async dial(url) {
    const transport = new WebsocketClientTransport({
      url,
      wsCreator: (to) => new WebSocket(to, { perMessageDeflate: false }) as unknown as globalThis.WebSocket,
    });
    const rsocket = await new RSocketConnector({
      transport,
      setup: { keepAlive: KEEP_ALIVE_MS, lifetime: 2 * KEEP_ALIVE_MS },
    }).connect();
    return {
      echo: (message) =>
        request(rsocket, ECHO, Buffer.from(message.buffer, message.byteOffset, message.length)),
      echoRecord: async (record) =>
        JSON.parse(
          (await request(rsocket, ECHO, Buffer.from(JSON.stringify(record)))).toString(),
        ) as SampleRecord,
      async sendAll(pool, count) {
        const ignore = { onError: () => {}, onComplete: () => {} };
        await sendInChunks(
          pool,
          count,
          (message) => rsocket.fireAndForget({ data: Buffer.from(message) }, ignore),
          () => request(rsocket, ECHO, ECHO),
        );
        return JSON.parse((await request(rsocket, TALLY, TALLY)).toString()) as Tally;
      },
    };
  },
});

function answerer(): Partial<RSocket> {
  let tally = new Tally();
  return {
    fireAndForget: ({ data }) => {
      tally.add(data!);
      return { cancel: () => {} };
    },
    requestResponse: ({ data, metadata }, responder) => {
      if (metadata!.equals(TALLY)) {
        responder.onNext({ data: Buffer.from(JSON.stringify(tally)) }, true);
        tally = new Tally();
      } else responder.onNext({ data }, true);
      return { cancel: () => {}, onExtension: () => {} };
    },
  };
}

function request(rsocket: RSocket, route: Buffer, data: Buffer): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    rsocket.requestResponse(
      { data, metadata: route },
      {
        onNext: (payload) => resolve(payload.data!),
        onError: reject,
        onComplete: () => {},
        onExtension: () => {},
      },
    );
  });
}
