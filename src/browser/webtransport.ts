import { messageOf, TransportError } from "../core/errors.ts";
import type { Dial } from "../session/dialing.ts";
import { whenAborted } from "../session/when-aborted.ts";
import { WebTransportTransport } from "../transports/webtransport.ts";

/** How a WebTransport session is opened. */
export interface WebTransportDialOptions {
  /**
   * Certificates to trust that no authority has signed, for development and closed networks: ECDSA P-256, valid for 14
   * days at most. The value is the SHA-256 of the certificate in DER.
   */
  readonly serverCertificateHashes?: readonly {
    readonly algorithm: "sha-256";
    readonly value: Uint8Array<ArrayBuffer>;
  }[];
}

/**
 * What opens a WebTransport session with the runtime's own `WebTransport`: for `connectWith`, and for a transport to
 * migrate to.
 * @param url - `https:`
 */
export function dialWebTransport(url: string | URL, options: WebTransportDialOptions = {}): Dial {
  return async (signal) => {
    signal.throwIfAborted();
    if (globalThis.WebTransport === undefined)
      throw new TransportError(`Cannot connect to ${url}: this runtime has no WebTransport`);
    const hashes: readonly WebTransportHash[] | undefined = options.serverCertificateHashes;
    let session: WebTransport | undefined;
    const stop = whenAborted(signal, () => session?.close());
    try {
      session = new WebTransport(String(url), {
        requireUnreliable: true,
        serverCertificateHashes: hashes as WebTransportHash[], // undefined as if not there
      });
      session.closed.catch(() => {}); // `ready` tells the same
      await session.ready;
      return new WebTransportTransport(session, await session.createBidirectionalStream());
    } catch (cause) {
      const reason = messageOf(cause) || "WebTransport failed"; // Safari's errors have no text
      throw new TransportError(`Cannot connect to ${url}: ${reason}`, { cause });
    } finally {
      stop();
    }
  };
}
