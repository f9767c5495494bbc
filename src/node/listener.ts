import type { IncomingHttpHeaders } from "node:http";
import type { Socket } from "node:net";

/** What a client came by: the upgrade request of a WebSocket, or the bare socket of TCP, TLS and IPC. */
export interface NodeRequest {
  /** Headers of the upgrade request; empty for a bare socket. */
  readonly headers: IncomingHttpHeaders;
  /** Path and query of the upgrade request; `undefined` for a bare socket. */
  readonly url?: string | undefined;
  /** The connection, with the client's address; a `TLSSocket`, with its certificate, where TLS carries it. */
  readonly socket: Socket;
}

/** One address that a server listens on. */
export interface Listener {
  /** What clients dial. */
  readonly url: string;
  /** Take no new connections. */
  stop(): void;
  /** Every session is closed: end what is left of connections. @returns resolves when that is done. */
  finish(): Promise<unknown>;
}

/** Connections that the kernel keeps while the process is busy. */
export const BACKLOG = 4_096;
