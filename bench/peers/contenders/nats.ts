import { spawn } from "node:child_process";
import { createServer } from "node:net";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { Tally } from "../../messages.ts";
import { sendInChunks, serveContender } from "../contender.ts";
import { findNatsServer } from "../nats-server.ts";
import type { SampleRecord } from "../record.ts";

await serveContender({
  configuration:
    "requests over TCP through nats-server, which is a third process, so a message makes two hops; records are JSON",
  async listen() {
    const port = await freePort();
    const broker = spawn(findNatsServer(), ["--addr", "127.0.0.1", "--port", String(port)], {
      stdio: "ignore",
    });
    process.on("exit", () => broker.kill());
    serveRequests(await connectSoon(port));
    return String(port);
  },
  async dial(port) {
    const nats = await connectSoon(Number(port));
    return {
      echo: async (message) => (await nats.request("echo", message)).data,
      echoRecord: async (record) => (await nats.request("echo", JSON.stringify(record))).json<SampleRecord>(),
      async sendAll(pool, count) {
        await sendInChunks(
          pool,
          count,
          (message) => nats.publish("message", message),
          () => nats.request("echo"),
        );
        return (await nats.request("tally")).json<Tally>();
      },
    };
  },
});

function serveRequests(nats: NatsConnection): void {
  let tally = new Tally();
  nats.subscribe("echo", { callback: (_error, message) => void message.respond(message.data) });
  nats.subscribe("message", { callback: (_error, message) => tally.add(message.data) });
  nats.subscribe("tally", {
    callback: (_error, message) => {
      message.respond(JSON.stringify(tally));
      tally = new Tally();
    },
  });
}

/** Connect to a broker that may still be starting. */
async function connectSoon(port: number): Promise<NatsConnection> {
  return connect({ servers: `127.0.0.1:${port}`, waitOnFirstConnect: true, reconnectTimeWait: 50 });
}

async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const address = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}
