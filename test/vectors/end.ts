import type { Bytes } from "../../src/core/bytes.ts";
import { Connection } from "../../src/core/connection/connection.ts";
import type { SessionEvent } from "../../src/core/events.ts";
import { MAIN_LANE } from "../../src/core/lanes/lane.ts";
import { type Limits, resolveLimits } from "../../src/core/limits.ts";
import type { Mux } from "../../src/core/streams/mux.ts";
import type { Role } from "../../src/core/streams/stream-table.ts";
import type { Hello } from "../../src/core/wire/hello.ts";

/** The limits that HELLO carries in the vectors, so that a changed default changes no vector. */
export const LIMITS = resolveLimits({
  maxFrameBytes: 65_536,
  maxMessageBytes: 16_777_216,
  streamWindowBytes: 262_144,
  sessionWindowBytes: 1_048_576,
  maxStreams: 128,
  maxDatagramBytes: 1_150,
  keepAliveMs: 15_000,
});
const countFrom = (first: number, length: number) => Uint8Array.from({ length }, (_, i) => first + i);
const SESSION = countFrom(0x00, 16);
/** Number of the session that a server gives instead of one that it does not know. */
export const FRESH = countFrom(0x10, 16);
/** What proves the session, the first and the second time. */
const TOKEN = countFrom(0x20, 32);
const NEXT_TOKEN = countFrom(0x40, 32);
/** When every connection begins, ms. */
export const NOW = 1_000;

/** Metadata of a stream that has none. */
export const NO_METADATA = new Uint8Array(0);

/** What an end is made with beside its role. */
export interface EndOptions {
  readonly messageBoundaries: boolean;
  /** Sessions can be carried on. */
  readonly resumable?: boolean;
  /** The streams of the connection before this one; for a client, who gives them up when the server agrees. */
  readonly mux?: Mux;
  readonly claim?: () => void;
  /** It is asked for records of this length. */
  readonly recordBytes?: number;
  readonly limits?: Limits;
  readonly sessionId?: Bytes;
}

/** One end, and what it sent and heard. */
export class End {
  readonly connection: Connection;
  readonly sent: Bytes[] = [];
  readonly events: SessionEvent[] = [];
  readonly #options: EndOptions;

  constructor(role: Role, options: EndOptions, now = NOW) {
    const { claim, limits = LIMITS, messageBoundaries, mux, resumable } = options;
    this.#options = options;
    const give = claim === undefined ? {} : { claim };
    const resume = mux && { sessionId: SESSION, resumeToken: TOKEN, mux, ...give };
    this.connection = new Connection({
      role,
      messageBoundaries,
      limits,
      codecs: ["json"],
      now,
      ...(resumable && role === "client" ? { resumeMs: 60_000 } : {}),
      ...(resume !== undefined && role === "client" ? { resume } : {}),
    });
  }

  /** Take all output and all events. A server accepts whoever says HELLO. */
  turn(now: number): Bytes[] {
    const records: Bytes[] = [];
    for (let moved = true; moved; ) {
      moved = false;
      for (let event = this.connection.poll(); event !== undefined; event = this.connection.poll()) {
        moved = true;
        this.events.push(event);
        if (event.kind === "authenticate") this.#accept(event.hello, now);
      }
      const record = this.connection.takeOutput(MAIN_LANE, this.#options.recordBytes ?? 66_560, now);
      if (record === undefined) continue;
      moved = true;
      records.push(record);
    }
    this.sent.push(...records);
    return records;
  }

  /** The transport is gone. */
  lose(): void {
    this.connection.lost();
    this.turn(NOW);
  }

  #accept({ resumeToken }: Hello, now: number): void {
    const { mux, resumable, sessionId = SESSION } = this.#options;
    const resume = { resumeToken: resumeToken === undefined ? TOKEN : NEXT_TOKEN, resumeMs: 60_000 };
    const carried = mux === undefined ? {} : { mux };
    this.connection.accept({ sessionId, ...(resumable ? { resume } : {}), ...carried }, now);
  }
}
