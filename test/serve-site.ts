import { request as httpRequest, type IncomingMessage } from "node:http";
import { contract, implement, type Session, serverStream, type, unary } from "../src/index.ts";
import { connect } from "../src/node/dial.ts";
import { type ServeOptions, type Server, serve } from "../src/node/serve.ts";
import { Deferred } from "./sessions.ts";

/** Where a server listens that is not told otherwise: any free port. */
export const LOCAL = "ws://127.0.0.1:0";

/** One call that ends at once, one that waits for {@link ServeSite.gate}, and one without an end. */
export const api = contract({
  add: unary({ input: type<number>(), output: type<number>() }),
  wait: unary({ input: type<void>(), output: type<string>() }),
  flood: serverStream({ input: type<void>(), output: type<string>() }),
});

/** What a server answers to a request for an upgrade. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
}

/** Servers of Node, and their clients; all of them are closed together. */
export class ServeSite {
  /** `wait` answers when it is resolved. */
  gate = new Deferred();
  /** What {@link close} runs, the last one first. */
  readonly cleanups: (() => unknown)[] = [];
  readonly #service = implement(api, {
    add: (number) => number + 1,
    wait: async () => {
      await this.gate.promise;
      return "done";
    },
    *flood() {
      for (;;) yield "x".repeat(60_000);
    },
  });

  /** A server of the calls, and its first URL. */
  readonly start = async (options: Partial<ServeOptions> = {}): Promise<{ server: Server; url: string }> => {
    const server = await serve({ listen: [LOCAL], services: [this.#service], ...options });
    this.cleanups.push(() => server.close({ drainMs: 0 }));
    return { server, url: server.urls[0] as string };
  };

  /** A session with a server. */
  readonly open = async (url: string, options?: Parameters<typeof connect>[1]): Promise<Session> => {
    const session = await connect(url, options);
    this.cleanups.push(() => session.close());
    return session;
  };

  /** Ask for an upgrade by hand. A status of 101 leaves the socket to the cleanup. */
  readonly upgrade = (url: string, headers: Record<string, string> = {}, path?: string): Promise<Answer> => {
    const { hostname, port, pathname } = new URL(url);
    const all = {
      connection: "Upgrade",
      upgrade: "websocket",
      "sec-websocket-version": "13",
      "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
      "sec-websocket-protocol": "tideway.v1",
      ...headers,
    };
    return new Promise((resolve, reject) => {
      const request = httpRequest({ hostname, port, path: path ?? pathname, headers: all, agent: false });
      request.on("error", reject);
      request.on("response", (response) => {
        response.resume();
        resolve({ status: response.statusCode as number, headers: response.headers });
      });
      request.on("upgrade", (response, socket) => {
        socket.on("error", () => {});
        this.cleanups.push(() => socket.destroy());
        resolve({ status: 101, headers: response.headers });
      });
      request.end();
    });
  };

  /** End everything, for the next test. */
  async close(): Promise<void> {
    for (const cleanup of this.cleanups.splice(0).reverse()) await cleanup();
    this.gate = new Deferred();
  }
}
