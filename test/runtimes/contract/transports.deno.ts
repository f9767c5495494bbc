import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import type { WireError } from "../../../src/core/errors.ts";
import { MAIN_LANE } from "../../../src/core/lanes/lane.ts";
import { type DenoConn, type DenoTarget, denoNamespace } from "../../../src/edge/deno-namespace.ts";
import { DenoTransport } from "../../../src/edge/deno-transport.ts";
import { WebSocketTransport } from "../../../src/transports/websocket.ts";
import { ChaosProxy } from "../../chaos/proxy.ts";
import { type OpenTransports, transportSuite } from "../../conformance/transport.ts";
import { Framed } from "../../framed.ts";
import { until } from "../../sessions.ts";

/** Both ends of one connection. @param through - where to dial instead of `target` */
async function openConns(target: DenoTarget, through = (dialed: DenoTarget) => Promise.resolve(dialed)) {
  const deno = denoNamespace();
  const listener = deno.listen(target);
  const dialed = "path" in target ? target : { ...target, port: listener.addr.port ?? 0 };
  const [a, b] = await Promise.all([through(dialed).then((to) => deno.connect(to)), listener.accept()]);
  return { a, b, listener };
}

async function open(target: DenoTarget): Promise<OpenTransports> {
  const { a, b, listener } = await openConns(target);
  return {
    a: new Framed(new DenoTransport(a)),
    b: new Framed(new DenoTransport(b)),
    cleanup: async () => {
      for (const conn of [a, b]) closeQuietly(conn);
      listener.close();
    },
  };
}

function closeQuietly(conn: DenoConn): void {
  try {
    conn.close();
  } catch {
    // The transport has closed it.
  }
}

transportSuite("Deno TCP", () => open({ hostname: "127.0.0.1", port: 0 }));

test("Deno TCP: a loss gives both ends an error", async () => {
  let proxy: ChaosProxy | undefined;
  const { a, b, listener } = await openConns({ hostname: "127.0.0.1", port: 0 }, async (target) => {
    proxy = await ChaosProxy.open("port" in target ? target.port : 0);
    return { hostname: "127.0.0.1", port: proxy.port };
  });
  const ends = [a, b].map(
    (conn) =>
      new Promise<WireError | undefined>((closed) => {
        const transport = new DenoTransport(conn);
        transport.start({ data: () => {}, drain: () => {}, lane: () => {}, datagram: () => {}, closed });
        transport.write(MAIN_LANE, new Uint8Array(10));
      }),
  );
  await until(() => (proxy?.bytes.clientToServer ?? 0) + (proxy?.bytes.serverToClient ?? 0) === 20);
  proxy?.strike("reset");
  for (const end of ends) expect((await end)?.code).toBe("ERR_CONNECTION_LOST");
  listener.close();
  await proxy?.close();
});

transportSuite("Deno Unix socket", async () => {
  const folder = mkdtempSync(join(tmpdir(), "tideway-deno-"));
  const opened = await open({ transport: "unix", path: join(folder, "socket") });
  const cleanup = async () => {
    await opened.cleanup();
    rmSync(folder, { recursive: true });
  };
  return { ...opened, cleanup };
});

transportSuite("Deno WebSocket", async () => {
  const deno = denoNamespace();
  let accepted: (transport: WebSocketTransport) => void = () => {};
  const b = new Promise<WebSocketTransport>((resolve) => {
    accepted = resolve;
  });
  const http = deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, (request) => {
    const { socket, response } = deno.upgradeWebSocket(request, { idleTimeout: 30 });
    socket.addEventListener("open", () => accepted(new WebSocketTransport(socket)));
    return response;
  });
  const client = new WebSocket(`ws://127.0.0.1:${http.addr.port}`);
  const a = await new Promise<WebSocketTransport>((resolve) => {
    client.addEventListener("open", () => resolve(new WebSocketTransport(client)));
  });
  return { a, b: await b, cleanup: () => http.shutdown() };
});
