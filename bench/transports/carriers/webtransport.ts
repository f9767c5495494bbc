import { createHash, X509Certificate } from "node:crypto";
import { makeCertificate } from "../../../test/certificate.ts";
import { bundle } from "../../../test/runtimes/bundles.ts";
import { findRuntimes } from "../../../test/runtimes/install.ts";
import { Helper } from "../../helper.ts";
import type { Commands } from "../../process.ts";
import type { Carrier, Contender } from "../contender.ts";
import type { DenoClientCommands } from "../programs/deno-client.ts";
import type { DenoServerCommands } from "../programs/deno-server.ts";

/** WebTransport between two processes of Deno, the one runtime that has it on both sides without a package. */
export const WEBTRANSPORT: Carrier = {
  name: "webtransport",
  async open() {
    const certificate = makeCertificate();
    if (certificate === undefined) throw new Error("Cannot bench WebTransport: openssl is not installed");
    const server = await startDeno<DenoServerCommands>("bench/transports/programs/deno-server.ts");
    const client = await startDeno<DenoClientCommands>("bench/transports/programs/deno-client.ts");
    const close = async () => {
      await client.close();
      await server.close();
    };
    try {
      const targets = await server.ask("listen", certificate);
      const { raw } = new X509Certificate(certificate.cert);
      const hash = [...createHash("sha256").update(raw).digest()];
      const names = await client.ask("open", { ...targets, hash });
      const ours = contender(client, "ours", "tideway");
      const callsDuring = (transfer: Parameters<DenoClientCommands["callsDuring"]>[0]) =>
        client.ask("callsDuring", transfer);
      return { ours: { ...ours, callsDuring }, bare: contender(client, "bare", names.bare), close };
    } catch (error) {
      await close();
      throw error;
    }
  },
};

async function startDeno<C extends Commands>(entry: string): Promise<Helper<C>> {
  const program = await bundle(entry, "deno");
  return new Helper<C>(program, [findRuntimes().deno, "run", "--allow-all", "--unstable-net", "--quiet"]);
}

/** What the client process does, as if it were done here. */
function contender(client: Helper<DenoClientCommands>, who: "ours" | "bare", name: string): Contender {
  return {
    name,
    send: (load) => client.ask("send", { ...load, who }),
    receive: (load) => client.ask("receive", { ...load, who }),
    roundTrips: (load) => client.ask("roundTrips", { ...load, who }),
  };
}
