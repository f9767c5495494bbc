import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect as connectTcp, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { afterAll, afterEach, beforeAll, test } from "vitest";
import { contract, implement, type Session, serverStream, type, unary } from "../src/index.ts";
import { ipcPlace } from "../src/ipc/ipc-path.ts";
import { connect, type NodeConnectOptions } from "../src/node/dial.ts";
import { type ServeOptions, type Server, serve } from "../src/node/serve.ts";
import { makeCertificate } from "./certificate.ts";
import { Deferred, sleep } from "./sessions.ts";
import type { SocketKind } from "./socket-pair.ts";

/** What servers and clients over TLS trust and show; `undefined` without openssl. */
export const certificate = makeCertificate();
if (certificate === undefined) test.skip("tls: needs the program openssl, which is not installed", () => {});

/** What can be tested here. */
export const KINDS: readonly SocketKind[] =
  certificate === undefined ? ["tcp", "ipc"] : ["tcp", "tls", "ipc"];
/** Where a server of each kind listens. */
export const LISTEN = { tcp: "tcp://127.0.0.1:0", tls: "tls://127.0.0.1:0", ipc: "ipc:test" } as const;
/** Options of clients and servers, for TLS. */
export const trusting = certificate === undefined ? {} : { tls: { ca: certificate.cert } };
export const serving = certificate === undefined ? {} : { tls: certificate };

/** What servers of these tests answer. */
export const api = contract({
  add: unary({ input: type<number>(), output: type<number>() }),
  wait: unary({ input: type<void>(), output: type<string>() }),
  count: serverStream({ input: type<number>(), output: type<number>() }),
  flood: serverStream({ input: type<void>(), output: type<string>() }),
});

/** A server, and the sockets on which clients came to it. */
export interface SocketSite {
  readonly server: Server;
  readonly sockets: readonly Socket[];
  readonly url: string;
}

/** Servers and clients of the tests of one file, which end with each test. IPC has a folder of its own. */
export class SocketSites {
  /** Ends the calls of `wait`. */
  gate = new Deferred();
  readonly #cleanups: (() => unknown)[] = [];
  readonly #service = implement(api, {
    add: (number) => number + 1,
    wait: async () => {
      await this.gate.promise;
      return "done";
    },
    count: async function* (to) {
      for (let i = 0; i < to; i++) {
        yield i;
        await sleep(1);
      }
    },
    *flood() {
      for (;;) yield "x".repeat(60_000);
    },
  });

  constructor() {
    const before = process.env["XDG_RUNTIME_DIR"];
    let folder = "";
    beforeAll(() => {
      folder = mkdtempSync(join(tmpdir(), "tideway-sockets-"));
      process.env["XDG_RUNTIME_DIR"] = folder;
    });
    afterEach(async () => {
      for (const cleanup of this.#cleanups.splice(0).reverse()) await cleanup();
      this.gate = new Deferred();
    });
    afterAll(() => {
      if (before === undefined) delete process.env["XDG_RUNTIME_DIR"];
      else process.env["XDG_RUNTIME_DIR"] = before;
      rmSync(folder, { recursive: true });
    });
  }

  async start(kind: SocketKind, options: Partial<ServeOptions> = {}): Promise<SocketSite> {
    const sockets: Socket[] = [];
    const server = await serve({
      listen: [LISTEN[kind]],
      services: [this.#service],
      ...serving,
      ...options,
      authenticate: (request) => {
        sockets.push(request.request.socket);
        return options.authenticate?.(request);
      },
    });
    this.#cleanups.push(() => server.close({ drainMs: 0 }));
    return { server, sockets, url: server.urls[0] as string };
  }

  async open(url: string, options: NodeConnectOptions = {}): Promise<Session> {
    const session = await connect(url, { ...trusting, ...options });
    this.#cleanups.push(() => session.close());
    return session;
  }

  /** A socket without the protocol. */
  async openBare(url: string): Promise<Socket> {
    const isTls = url.startsWith("tls:");
    const socket = url.startsWith("ipc:") ? connectTcp(ipcPlace("test").path) : dialBare(url, isTls);
    socket.on("error", () => {});
    this.#cleanups.push(() => socket.destroy());
    await once(socket, isTls ? "secureConnect" : "connect");
    return socket;
  }
}

function dialBare(url: string, isTls: boolean): Socket {
  const target = { port: Number(new URL(url).port), host: "127.0.0.1" };
  return isTls ? connectTls({ ...target, ...trusting.tls }) : connectTcp(target);
}
