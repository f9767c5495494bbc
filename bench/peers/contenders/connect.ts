import { once } from "node:events";
import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { createClient } from "@connectrpc/connect";
import { connectNodeAdapter, createGrpcTransport } from "@connectrpc/connect-node";
import { Tally } from "../../messages.ts";
import { serveContender } from "../contender.ts";
import type { SampleRecord } from "../record.ts";
import { EchoService } from "./connect-schema.ts";

await serveContender({
  configuration:
    "@connectrpc/connect-node over HTTP/2 without TLS, one connection, gRPC framing, Protobuf messages, no compression",
  async listen() {
    const server = createServer(
      connectNodeAdapter({
        acceptCompression: [],
        routes: (router) =>
          router.service(EchoService, {
            echo: (request) => ({ data: request.data }),
            echoRecord: (request) => request,
            async sink(messages) {
              const tally = new Tally();
              for await (const { data } of messages) tally.add(data);
              return { count: tally.count, hash: tally.hash };
            },
          }),
      }),
    );
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  },
  async dial(baseUrl) {
    const client = createClient(EchoService, createGrpcTransport({ baseUrl, acceptCompression: [] }));
    return {
      echo: async (data) => (await client.echo({ data })).data,
      echoRecord: async (record) =>
        (await client.echoRecord({ ...record, tags: [...record.tags] })) as unknown as SampleRecord,
      sendAll: async (pool, count) => {
        const { count: arrived, hash } = await client.sink(
          (async function* () {
            for (let i = 0; i < count; i++) yield { data: pool[i % pool.length]! };
          })(),
        );
        return { count: arrived, hash };
      },
    };
  },
});
