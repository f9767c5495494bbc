// The server process of the WebTransport benches, in Deno: Tideway and bare streams, each on a port of its own.
import { raw, serveWebTransport } from "tideway/deno";
import type { WebTransportSession } from "../../../src/transports/webtransport.ts";
import { acceptLane } from "../../../src/transports/webtransport.ts";
import { echoService } from "../../calls.ts";
import { serveCommands } from "../../process.ts";
import { serveLink } from "../links/protocol.ts";
import { WebStreamLink } from "../links/web-stream.ts";
import { takeStreams } from "../session-streams.ts";

/** What is used of the global `Deno`, which has it with `--unstable-net`. */
interface QuicNamespace {
  readonly QuicEndpoint: new (options: {
    readonly hostname: string;
    readonly port: number;
  }) => {
    readonly addr: { readonly port: number };
    listen(options: {
      readonly cert: string;
      readonly key: string;
      readonly alpnProtocols: readonly string[];
    }): {
      incoming(): Promise<{ accept(): Promise<object> }>;
    };
  };
  upgradeWebTransport(conn: object): Promise<WebTransportSession & { readonly ready: Promise<void> }>;
}

/** Certificate and key, PEM. */
interface Certificate {
  readonly cert: string;
  readonly key: string;
}

const deno = (globalThis as unknown as { readonly Deno: QuicNamespace }).Deno;

const commands = {
  /** Listen. @returns where. */
  listen: async (certificate: Certificate) => {
    const server = await serveWebTransport({
      listen: "https://127.0.0.1:0/",
      ...certificate,
      codecs: [raw],
      services: [echoService],
      onSession: takeStreams,
    });
    return { tideway: server.urls[0]!, bare: listenBare(certificate) };
  },
};

/** What the server process can be asked. */
export type DenoServerCommands = typeof commands;

await serveCommands(commands);

function listenBare({ cert, key }: Certificate): string {
  const endpoint = new deno.QuicEndpoint({ hostname: "127.0.0.1", port: 0 });
  const listener = endpoint.listen({ cert, key, alpnProtocols: ["h3"] });
  const acceptAll = async () => {
    for (;;) void acceptBare(await (await listener.incoming()).accept());
  };
  void acceptAll();
  return `https://127.0.0.1:${endpoint.addr.port}/`;
}

async function acceptBare(conn: object): Promise<void> {
  const session = await deno.upgradeWebTransport(conn);
  session.closed.catch(() => {});
  await session.ready;
  serveLink(new WebStreamLink(await acceptLane(session), () => {}));
}
