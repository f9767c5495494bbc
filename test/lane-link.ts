import type { Bytes } from "../src/core/bytes.ts";
import { Connection } from "../src/core/connection/connection.ts";
import type { SessionEvent } from "../src/core/events.ts";
import { type LaneId, MAIN_LANE } from "../src/core/lanes/lane.ts";
import { type Limits, resolveLimits } from "../src/core/limits.ts";
import type { Mux } from "../src/core/streams/mux.ts";
import type { Stream } from "../src/core/streams/stream.ts";
import type { Side } from "./pair.ts";

/** What a link is made with. */
export interface LaneLinkOptions {
  readonly limits?: Partial<Limits>;
  readonly messageBoundaries?: boolean;
  /** Lanes of each side beside the main one; by default as many as the limit allows. */
  readonly lanes?: number;
}

/** Records of one lane that are on their way. */
interface Path {
  readonly from: Side;
  readonly lane: LaneId;
  readonly records: Bytes[];
}

/**
 * Two connections that keep their sessions, over lanes that know nothing of each other: each keeps its own order, and
 * the test says which one brings something next.
 */
export class LaneLink {
  now = 1_000;
  client!: Connection;
  server!: Connection;
  readonly events: { readonly side: Side; readonly event: SessionEvent }[] = [];
  /** Records that came on lanes beside the main one. */
  aside = 0;
  onEvent: (side: Side, event: SessionEvent) => void = () => {};
  #paths: Path[] = [];
  #carried: { readonly client: Mux; readonly server: Mux } | undefined;
  #options: LaneLinkOptions;

  constructor(options: LaneLinkOptions = {}) {
    this.#options = options;
    this.#connect();
  }

  #connect(): void {
    const { lanes = 256, limits, messageBoundaries = true } = this.#options;
    const [sessionId, resumeToken] = [new Uint8Array(16), new Uint8Array(32)];
    const mux = this.#carried?.client;
    const common = { messageBoundaries, lanes, codecs: [], now: this.now, limits: resolveLimits(limits) };
    const resume = mux === undefined ? {} : { resume: { sessionId, resumeToken, mux } };
    this.client = new Connection({ ...common, role: "client", resumeMs: 60_000, ...resume });
    this.server = new Connection({ ...common, role: "server" });
    this.#paths = [];
  }

  /** Lose the connection with all that is on its way, and carry on over another one, with other options. */
  reconnect(options: Partial<LaneLinkOptions> = {}): void {
    this.#carried = { client: this.mux("client"), server: this.mux("server") };
    for (const side of ["client", "server"] as const) this[side].lost();
    this.drain();
    this.#options = { ...this.#options, ...options };
    this.#connect();
  }

  /** The streams of a side, also while its next connection is not open. */
  mux(side: Side): Mux {
    const { mux, state } = this[side];
    return state === "open" || state === "resuming" ? mux : (this.#carried?.[side] ?? mux);
  }

  /** Hear all events and put all output on its way. */
  pump(): void {
    for (const from of ["client", "server"] as const) {
      const connection = this[from];
      this.drain();
      for (let lane = 0; lane <= connection.lanes; lane++) {
        for (;;) {
          const record = connection.takeOutput(lane as LaneId, 66_560, this.now);
          if (record === undefined) break;
          this.#path(from, lane as LaneId).records.push(record);
        }
      }
    }
  }

  #path(from: Side, lane: LaneId): Path {
    const known = this.#paths.find((each) => each.from === from && each.lane === lane);
    if (known !== undefined) return known;
    const path: Path = { from, lane, records: [] };
    this.#paths.push(path);
    return path;
  }

  /** The lanes on which something is on its way. */
  get loaded(): readonly { readonly from: Side; readonly lane: LaneId }[] {
    return this.#paths.filter(({ records }) => records.length > 0);
  }

  /** Let the oldest record of a lane arrive. */
  deliver(from: Side, lane: LaneId): void {
    const record = this.#path(from, lane).records.shift() as Bytes;
    if (lane !== MAIN_LANE) this.aside++;
    const id = lane === MAIN_LANE ? MAIN_LANE : ((-1 - lane) as LaneId);
    this[from === "client" ? "server" : "client"].receive(id, record, this.now);
    this.pump();
  }

  /** Move everything. @param pick - which of so many lanes brings something next; by default the last one */
  settle(pick: (count: number) => number = (count) => count - 1): void {
    this.#move(pick);
    // What can wait for a record to ride on goes by itself.
    this.now += 30;
    for (const side of [this.client, this.server]) side.handleTimeout(this.now);
    this.#move(pick);
  }

  #move(pick: (count: number) => number): void {
    this.pump();
    for (let { loaded } = this; loaded.length > 0; loaded = this.loaded) {
      const { from, lane } = loaded[pick(loaded.length)] as Path;
      this.deliver(from, lane);
    }
  }

  drain(): void {
    for (const side of ["client", "server"] as const) {
      const connection = this[side];
      for (let event = connection.poll(); event !== undefined; event = connection.poll()) {
        this.events.push({ side, event });
        if (event.kind === "authenticate") this.#accept();
        this.onEvent(side, event);
      }
    }
  }

  #accept(): void {
    const resume = { resumeToken: new Uint8Array(32), resumeMs: 60_000 };
    const mux = this.#carried === undefined ? {} : { mux: this.#carried.server };
    this.server.accept({ sessionId: new Uint8Array(16), resume, ...mux }, this.now);
  }

  /** The streams that the client opened, in order. */
  get accepted(): Stream[] {
    return this.events.flatMap(({ event }) => (event.kind === "stream" ? [event.stream] : []));
  }

  /** Codes of the connections that have ended. */
  get ends(): unknown[] {
    return this.events.flatMap(({ event }) => (event.kind === "closed" ? [event.error?.code] : []));
  }
}

/** Open a stream whose data asks for a lane of its own. */
export function openAside({ mux }: { readonly mux: Mux }, name = ""): Stream {
  return mux.open({ name, priority: 3, ownLane: true, metadata: new Uint8Array(0) });
}
