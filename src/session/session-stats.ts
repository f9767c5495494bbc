import type { Connection } from "../core/connection/connection.ts";
import type { Mux } from "../core/streams/mux.ts";
import type { TransportName } from "../transports/transport.ts";
import type { SessionState } from "./events.ts";
import type { Link } from "./link.ts";

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
const NO_TOTALS: SessionTotals = {
  bytesSent: 0,
  bytesReceived: 0,
  recordsSent: 0,
  recordsReceived: 0,
  bytesSaved: 0,
  datagramsDropped: 0,
};

/** What has become of a session so far, over all its connections. */
export class SessionHistory {
  reconnects = 0;
  resumes = 0;
  migrations = 0;
  /** Bytes that the streams before a fresh start have sent again. */
  resentBytes = 0;
  /** Totals of the connections before this one. */
  #before: SessionTotals = NO_TOTALS;

  /** A connection carries the session no longer. */
  ended(connection: Connection | undefined): void {
    this.#before = this.#with(connection);
  }

  #with(connection: Connection | undefined): SessionTotals {
    if (connection === undefined) return this.#before;
    const more: SessionTotals = { ...connection.counters, datagramsDropped: connection.datagrams.dropped };
    const sum = { ...this.#before };
    for (const name of Object.keys(sum) as (keyof SessionTotals)[]) sum[name] += more[name];
    return sum;
  }

  /** The figures of this moment. */
  stats(state: SessionState, own: Mux, link: Link | undefined): SessionStats {
    const mux = state === "open" && link !== undefined ? link.connection.mux : own;
    const { outbox, table, window } = mux;
    return {
      ...this.#with(link?.connection),
      state,
      transport: link?.transport,
      dialMs: link?.dialMs,
      handshakeMs: link?.handshakeMs,
      roundTripMs: link?.connection.keepAlive.roundTripMs ?? 0,
      reconnects: this.reconnects,
      resumes: this.resumes,
      migrations: this.migrations,
      resentBytes: this.resentBytes + mux.resentBytes,
      retainedBytes: outbox.retainedBytes,
      streams: table.size,
      queuedBytes: outbox.queuedBytes,
      bufferedBytes: link?.bufferedBytes,
      sendCreditBytes: outbox.limit - outbox.sent,
      receiveCreditBytes: window.limit - window.received,
      unreadBytes: window.received - window.consumed,
    };
  }
}
