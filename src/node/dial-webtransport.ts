import { messageOf, TransportError } from "../core/errors.ts";
import type { Dial } from "../session/dialing.ts";
import { WebTransportTransport } from "../transports/webtransport.ts";
import { loadPackage, WINDOWS } from "./webtransport-package.ts";

/** A certificate that is trusted by its hash alone. */
export interface CertificateHash {
  readonly algorithm: "sha-256";
  /** SHA-256 of the certificate in DER. */
  readonly value: Uint8Array<ArrayBuffer>;
}

/** How a Node client opens a WebTransport session. */
export interface WebTransportDialOptions {
  /** Certificates to trust that no authority has signed: ECDSA P-256, valid for 14 days at most. */
  readonly serverCertificateHashes?: readonly CertificateHash[];
  /** HTTP/2 instead of HTTP/3: without UDP, and without the native addon. Default false. */
  readonly reliable?: boolean;
}

/**
 * What opens a WebTransport session: for `connectWith`, and for a transport to migrate to. The package
 * `@fails-components/webtransport` must be installed, for HTTP/3 its addon too.
 * @param url - `https:`
 */
export function dialWebTransport(url: string | URL, options: WebTransportDialOptions = {}): Dial {
  return async (signal) => {
    const { WebTransport } = await loadPackage(options.reliable === true);
    signal.throwIfAborted();
    const { serverCertificateHashes } = options;
    const session = new WebTransport(String(url), {
      ...WINDOWS,
      forceReliable: options.reliable === true,
      ...(serverCertificateHashes === undefined ? {} : { serverCertificateHashes }),
    });
    session.closed.catch(() => {}); // `ready` tells the same
    const onAbort = () => session.close();
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      await session.ready;
      return new WebTransportTransport(session, await session.createBidirectionalStream());
    } catch (cause) {
      const reason = messageOf(cause);
      throw new TransportError(`Cannot connect to ${url}: ${reason}`, { cause });
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  };
}
