import { TransportError } from "../core/errors.ts";
import type { WebTransportSession } from "../transports/webtransport.ts";

/** The parts of `@fails-components/webtransport` that are used; the package is a peer dependency that may be missing. */
export interface WebTransportPackage {
  readonly quicheLoaded: Promise<unknown>;
  readonly WebTransport: new (
    url: string,
    options: object,
  ) => WebTransportSession & { readonly ready: Promise<void> };
  readonly Http2Server: new (options: object) => PackageServer;
  readonly Http3Server: new (options: object) => PackageServer;
}

/** A server of the package, over HTTP/2 or HTTP/3. */
export interface PackageServer {
  readonly ready: Promise<void>;
  readonly closed: Promise<void>;
  startServer(): void;
  stopServer(): void;
  address(): { readonly port: number } | null;
  sessionStream(path: string): ReadableStream<PackageSession>;
}

/** A session on the server's side. */
export interface PackageSession extends WebTransportSession {
  readonly ready: Promise<void>;
  readonly header?: Readonly<Record<string, string | undefined>>;
  readonly peerAddress?: string;
}

const PACKAGE = "@fails-components/webtransport";
const ADDON = "@fails-components/webtransport-transport-http3-quiche";
/** With smaller ones, HTTP/2 sessions open and then stand still. */
export const WINDOWS: {
  readonly initialStreamFlowControlWindow: number;
  readonly initialSessionFlowControlWindow: number;
} = { initialStreamFlowControlWindow: 1_048_576, initialSessionFlowControlWindow: 16_777_216 };

/** @throws {TransportError} when the package or, for HTTP/3, its addon is missing. */
export async function loadPackage(reliable: boolean): Promise<WebTransportPackage> {
  // Before the package: it prints at length that the addon is missing.
  if (!reliable) await load(ADDON, `over HTTP/3: install ${ADDON}, or choose \`reliable\` for HTTP/2`);
  const found = (await load(PACKAGE, `: install ${PACKAGE}`)) as WebTransportPackage;
  if (!reliable) await found.quicheLoaded;
  return found;
}

async function load(name: string, advice: string): Promise<unknown> {
  try {
    return await import(name);
  } catch (cause) {
    throw new TransportError(`Cannot use WebTransport ${advice}`.replace(" :", ":"), { cause });
  }
}
