// The client process of the WebTransport benches, in Deno: does what the scenarios ask, on a connection of each kind.
import { connectWith, dialWebTransport, raw } from "tideway/deno";
import type { WebTransportSession } from "../../../src/transports/webtransport.ts";
import { serveCommands } from "../../process.ts";
import { type Load, ofLink, ofSession, type Pair } from "../contender.ts";
import { WebStreamLink } from "../links/web-stream.ts";

let pair: Pair;

const commands = {
  /** Connect. @param options.hash - SHA-256 of the certificate of both servers */
  open: async ({ tideway, bare, hash }: { tideway: string; bare: string; hash: readonly number[] }) => {
    const serverCertificateHashes = [{ algorithm: "sha-256", value: Uint8Array.from(hash) }] as const;
    const session = await connectWith(dialWebTransport(tideway, { serverCertificateHashes }), {
      codecs: [raw],
      reconnect: false,
    });
    const webTransport = new WebTransport(bare, { serverCertificateHashes: [...serverCertificateHashes] });
    await webTransport.ready;
    webTransport.closed.catch(() => {});
    const lane = await (webTransport as unknown as WebTransportSession).createBidirectionalStream();
    const link = new WebStreamLink(lane, () => webTransport.close());
    pair = { ours: ofSession(session), bare: ofLink(link) };
    return { bare: pair.bare.name };
  },
  /** Done by one of both; see `Contender`. */
  send: ({ who, ...load }: Load & Who) => pair[who].send(load),
  receive: ({ who, ...load }: Load & Who) => pair[who].receive(load),
  roundTrips: ({ who, ...load }: Load & Who) => pair[who].roundTrips(load),
  callsDuring: (transfer: Load & { readonly up: boolean }) => pair.ours.callsDuring(transfer),
};

interface Who {
  readonly who: "ours" | "bare";
}

/** What the client process can be asked. */
export type DenoClientCommands = typeof commands;

await serveCommands(commands);
