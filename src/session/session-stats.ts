import type { Connection } from "../core/connection/connection.ts";
import type { TransportName } from "../transports/transport.ts";
import type { SessionState } from "./events.ts";

/** Totals since the session began, over all connections. */
export interface SessionTotals {
  readonly bytesSent: number;
  readonly bytesReceived: number;
  readonly recordsSent: number;
  readonly recordsReceived: number;
  /** Bytes that were not sent because records were compressed. */
  readonly bytesSaved: number;
  /** Datagrams that were dropped for lack of room. */
  readonly datagramsDropped: number;
}

/** Figures of a session at one moment. */
export interface SessionStats extends SessionTotals {
  readonly state: SessionState;
  /** What carries it now. */
  readonly transport: TransportName | undefined;
  /**
   * Client: what it took to open that transport, with name resolution, TLS and upgrade, and then from HELLO to its
   * answer, ms. `undefined` before that, on a server, and for a transport that `migrate` was given.
   */
  readonly dialMs: number | undefined;
  readonly handshakeMs: number | undefined;
  /** Smoothed round trip, ms; 0 before the first measurement. */
  readonly roundTripMs: number;
  /** Connections that were lost and replaced. */
  readonly reconnects: number;
  /** Those after which the streams went on, and moves to another connection without a loss. */
  readonly resumes: number;
  readonly migrations: number;
  /** Charged bytes that were sent again after a loss, and those that are kept for the next one. */
  readonly resentBytes: number;
  readonly retainedBytes: number;
  /** Streams that are not over. */
  readonly streams: number;
  /** Charged bytes that wait here for credit or for the transport. */
  readonly queuedBytes: number;
  /** Bytes that the transport holds; `undefined` where it cannot tell. */
  readonly bufferedBytes: number | undefined;
  /** Credit that the peer leaves this side, and this side the peer, charged bytes. */
  readonly sendCreditBytes: number;
  readonly receiveCreditBytes: number;
  /** Charged bytes that arrived and no application has read. */
  readonly unreadBytes: number;
}

/** The totals of a session that has had no connection. */
export const NO_TOTALS: SessionTotals = {
  bytesSent: 0,
  bytesReceived: 0,
  recordsSent: 0,
  recordsReceived: 0,
  bytesSaved: 0,
  datagramsDropped: 0,
};

/** Totals with those of a connection that is not in them; the same ones without a connection. */
export function withTotals(before: SessionTotals, connection: Connection | undefined): SessionTotals {
  if (connection === undefined) return before;
  const more: SessionTotals = { ...connection.counters, datagramsDropped: connection.datagramsDropped };
  const sum = { ...before };
  for (const name of Object.keys(sum) as (keyof SessionTotals)[]) sum[name] += more[name];
  return sum;
}
