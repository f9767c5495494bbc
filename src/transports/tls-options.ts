/** The protocol in the TLS handshake. A peer that names none is told by the first bytes what this is. */
export const ALPN: readonly string[] = ["tideway/1"];

/** What a server shows in TLS, in PEM: the words of `node:tls`. */
export interface ServerTls {
  readonly cert: string;
  readonly key: string;
}

/** Whom a client trusts in TLS, in PEM: the words of `node:tls`. */
export interface ClientTls {
  /** Authorities; where the runtime lets them replace its own ones, they do. */
  readonly ca?: string | readonly string[];
}

/** @throws {TypeError} for an address with TLS when there is no certificate for it. */
export function requireTls<Tls>(address: string, tls: Tls | undefined): Tls {
  if (tls === undefined)
    throw new TypeError(`Cannot listen on ${address}: tls is missing, with cert and key`);
  return tls;
}
