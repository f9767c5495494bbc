import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type BunSocket, type BunTarget, bunNamespace } from "../../../src/bun/bun-namespace.ts";
import { type BunSocketData, BunSocketTransport, socketHandler } from "../../../src/bun/socket-transport.ts";
import { BunWebSocketTransport } from "../../../src/bun/websocket-transport.ts";
import { WebSocketTransport } from "../../../src/transports/websocket.ts";
import { ChaosProxy } from "../../chaos/proxy.ts";
import { type OpenTransports, transportSuite } from "../../conformance/transport.ts";
import { Framed } from "../../framed.ts";

/** One end that is on its way. */
function coming() {
  let arrived: (transport: BunSocketTransport) => void = () => {};
  const transport = new Promise<BunSocketTransport>((resolve) => {
    arrived = resolve;
  });
  const handler = socketHandler({
    secure: false,
    opened: () => () => {},
    ready: (socket: BunSocket<BunSocketData>) => {
      const own = new BunSocketTransport(socket, "tcp");
      arrived(own);
      return own;
    },
  });
  return { transport, socket: handler, data: { transport: undefined }, allowHalfOpen: true };
}

/** @param through - where to dial instead of `target` */
async function open(
  target: BunTarget,
  through = (dialed: BunTarget) => Promise.resolve(dialed),
): Promise<OpenTransports> {
  const bun = bunNamespace();
  const [client, server] = [coming(), coming()];
  const listener = bun.listen({ ...target, ...server });
  const dialed = "unix" in target ? target : { ...target, port: listener.port };
  await bun.connect({ ...(await through(dialed)), ...client });
  return {
    a: new Framed(await client.transport),
    b: new Framed(await server.transport),
    cleanup: async () => listener.stop(true),
  };
}

const LOCAL = { hostname: "127.0.0.1", port: 0 };

transportSuite("Bun TCP", () => open(LOCAL));

transportSuite("Bun TCP through a proxy that resets", async () => {
  let proxy: ChaosProxy | undefined;
  const opened = await open(LOCAL, async (target) => {
    proxy = await ChaosProxy.open("port" in target ? target.port : 0);
    return { hostname: "127.0.0.1", port: proxy.port };
  });
  return {
    ...opened,
    lose: () => void proxy?.strike("reset"),
    cleanup: async () => {
      await opened.cleanup();
      await proxy?.close();
    },
  };
});

transportSuite("Bun Unix socket", async () => {
  const folder = mkdtempSync(join(tmpdir(), "tideway-bun-"));
  const opened = await open({ unix: join(folder, "socket") });
  const cleanup = async () => {
    await opened.cleanup();
    rmSync(folder, { recursive: true });
  };
  return { ...opened, cleanup };
});

interface Data {
  transport: BunWebSocketTransport | undefined;
}

transportSuite("Bun WebSocket", async () => {
  let accepted: (transport: BunWebSocketTransport) => void = () => {};
  const b = new Promise<BunWebSocketTransport>((resolve) => {
    accepted = resolve;
  });
  const http = bunNamespace().serve<Data>({
    ...LOCAL,
    fetch: (request, server) => {
      server.upgrade(request, { data: { transport: undefined } });
      return undefined;
    },
    websocket: {
      idleTimeout: 0,
      sendPings: false,
      perMessageDeflate: false,
      maxPayloadLength: 2 ** 21,
      backpressureLimit: 2 ** 26,
      open: (socket) => {
        socket.data.transport = new BunWebSocketTransport(socket);
        accepted(socket.data.transport);
      },
      message: (socket, message) => socket.data.transport?.message(message),
      drain: (socket) => socket.data.transport?.drain(),
      close: (socket, code, reason) => socket.data.transport?.closed(code, reason),
    },
  });
  const client = new WebSocket(`ws://127.0.0.1:${http.port}`);
  const a = await new Promise<WebSocketTransport>((resolve) => {
    client.addEventListener("open", () => resolve(new WebSocketTransport(client)));
  });
  // Bun is both ends here: the server's is the one that is tested as the writer.
  return { a: await b, b: a, cleanup: () => http.stop(true) };
});
