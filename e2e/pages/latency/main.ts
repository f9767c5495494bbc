// The script of the page that both servers of servers/latency serve: what the latency run calls in it.
import { connectWith, dialWebSocket, dialWebTransport } from "tideway";
import { SESSION_OPTIONS } from "../../servers/latency/page.ts";
import { bareWebSocket } from "./bare-websocket.ts";
import { bareWebTransport } from "./bare-webtransport.ts";
import { callsDuring, roundTrips } from "./measure.ts";
import type { Peer, Transfer } from "./peer.ts";
import { tidewayPeer } from "./tideway.ts";

/** Where WebTransport is served: by Tideway, and bare. */
interface Native {
  readonly url: string;
  readonly bareUrl: string;
  readonly hash: readonly number[];
}

/** Who is measured. */
export type Who = "tideway" | "bare";

let peers: Readonly<Record<Who, Peer>>;

const latency = {
  open,
  roundTrips: (count: number) => roundTrips(peers, count),
  transfer,
  callsDuring: busy,
  close,
};

declare global {
  interface Window {
    latency: typeof latency;
  }
}

/** Connect twice: by Tideway and bare, over WebTransport where it is told of one, over WebSocket otherwise. */
async function open(native?: Native): Promise<void> {
  const origin = location.href.replace("http", "ws");
  if (native === undefined) {
    const session = await connectWith(dialWebSocket(new URL("/tideway", origin)), SESSION_OPTIONS);
    peers = { tideway: tidewayPeer(session), bare: await bareWebSocket(new URL("/bare", origin)) };
  } else {
    const hash = new Uint8Array(native.hash);
    const dial = dialWebTransport(native.url, {
      serverCertificateHashes: [{ algorithm: "sha-256", value: hash }],
    });
    const session = await connectWith(dial, SESSION_OPTIONS);
    peers = { tideway: tidewayPeer(session), bare: await bareWebTransport(native.bareUrl, hash) };
  }
}

/** See {@link Peer.up}. */
function transfer(who: Who, way: "up" | "down", messageBytes: number, ms: number): Promise<Transfer> {
  return peers[who][way](messageBytes, ms);
}

/** Latencies of small messages during a transfer, ms. */
function busy(who: Who, echo: string, way: "up" | "down", ms: number) {
  return callsDuring(peers[who], echo, way, ms);
}

async function close(): Promise<void> {
  await Promise.all([peers.tideway.close(), peers.bare.close()]);
}

window.latency = latency;
