import type { Stream } from "../streams/stream.ts";
import type { StreamId } from "../wire/frame.ts";
import { SESSION_ID } from "../wire/frame.ts";
import type { RecordReader } from "../wire/record.ts";
import { type LaneId, MAIN_LANE } from "./lane.ts";

/** A lane that this side has opened. */
export interface OwnLane {
  /** Whose half it carries, or carried last. */
  stream: Stream;
  /** The magic must go out, where the lane carries bytes. */
  magicDue: boolean;
  /** LANE was written, and the peer has answered it: only then data may follow. */
  told: boolean;
  ready: boolean;
}

/**
 * The lanes that this side has opened beside the main one, over one connection. Each carries one half of a stream at a
 * time; when that is over, the next one.
 *
 * Source: docs/protocol.md, section 14.
 */
export class OwnLanes {
  readonly #most: number;
  readonly #lanes: OwnLane[] = [];
  /** The unfinished message that the peer was told to lend to: its stream and where it began. */
  first: Stream | undefined;
  firstAt = 0;

  /** @param most - lanes that the transport and the peer allow */
  constructor(most: number) {
    this.#most = most;
  }

  /** Lanes that were opened; they are numbered from 1. */
  get opened(): number {
    return this.#lanes.length;
  }

  /** Whether a stream sends on a lane of its own: it gets one here, when one is free. */
  claim(stream: Stream): boolean {
    if (stream.lane !== MAIN_LANE) return true;
    const free = this.#lanes.findIndex(({ stream: { send } }) => send.finished || send.closed);
    const at = free < 0 ? this.opened : free;
    if (at >= this.#most) return false;
    this.#lanes[at] = { stream, magicDue: this.#lanes[at]?.magicDue ?? true, told: false, ready: false };
    stream.lane = (at + 1) as LaneId;
    return true;
  }

  /** A lane that has something to write; `undefined` when it has nothing. */
  loaded(lane: LaneId): OwnLane | undefined {
    const own = this.#lanes[lane - 1];
    if (own === undefined || own.stream.send.closed || own.stream.send.unsent === 0) return undefined;
    return own.told && !own.ready ? undefined : own;
  }

  /** The peer waits for a half on its lane. @returns false when that answers nothing. */
  answered(stream: Stream): boolean {
    const own = this.#lanes[stream.lane - 1];
    if (own?.stream !== stream || !own.told || own.ready) return false;
    own.ready = true;
    return true;
  }
}

/** A lane that the peer has opened. */
export interface PeerLane {
  /** Cuts its bytes; `undefined` where it carries records. */
  readonly records: RecordReader | undefined;
  /** Whose half it carries. */
  stream: Stream | undefined;
  /** LANE was read, and what the peer has sent before on the main lane is not here. */
  waiting: boolean;
  /** What LANE said; the position moves with the data that comes on the lane. */
  id: StreamId;
  position: number;
}

/** A lane on which nothing has come. */
export function peerLane(records: RecordReader | undefined): PeerLane {
  return { records, stream: undefined, waiting: false, id: SESSION_ID, position: 0 };
}
