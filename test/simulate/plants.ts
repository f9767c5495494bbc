import type { Bytes } from "../../src/core/bytes.ts";
import type { Connection } from "../../src/core/connection/connection.ts";
import type { SessionEvent } from "../../src/core/events.ts";
import type { Mux } from "../../src/core/streams/mux.ts";
import type { Planted } from "../../src/testing/index.ts";

/** A fault that no network has: a run with it must fail. */
export type Plant = () => Planted;

/** The `count`-th record of each direction of each link is replaced. */
function tamper(replace: (record: Bytes) => readonly Bytes[], count = 6): Plant {
  return () => ({
    link({ aToB, bToA }) {
      for (const pipe of [aToB, bToA])
        pipe.tamper = (record, index) => (index === count ? replace(record) : [record]);
    },
  });
}

/** The streams of every session, on both sides, changed alike. */
export function muxes(change: (mux: Mux) => void): Plant {
  return () => ({ mux: change });
}

/** Every connection, on both sides, changed alike. */
export function connections(change: (connection: Connection) => void): Plant {
  return () => ({ connection: change });
}

/** True once in `every` calls. */
export function seldom(every: number): () => boolean {
  let count = 0;
  return () => ++count % every === 0;
}

/** Events of `kind` are swallowed now and then. */
function swallow(kind: SessionEvent["kind"], every: number): Plant {
  return muxes((mux) => {
    const poll = mux.poll.bind(mux);
    const due = seldom(every);
    mux.poll = () => {
      const event = poll();
      return event?.kind === kind && due() ? poll() : event;
    };
  });
}

function swapped(record: Bytes): Bytes {
  const copy = record.slice();
  const at = copy.length >>> 1;
  copy[at] = (copy[at] as number) ^ 0x10;
  return copy;
}

/** What the runs must notice of one connection, by name. */
export const PLANTS: Readonly<Record<string, Plant>> = {
  "a record is lost": tamper(() => []),
  "a record comes twice": tamper((record) => [record, record]),
  "a bit is flipped": tamper((record) => [swapped(record)]),
  "a record is cut short": tamper((record) => [record.subarray(0, record.length - 1)]),
  "two records change places": () => ({
    link({ bToA }) {
      let held: Bytes | undefined;
      bToA.tamper = (record, index) => {
        if (index === 5) {
          held = record;
          return [];
        }
        const first = held;
        held = undefined;
        return first === undefined ? [record] : [record, first];
      };
    },
  }),
  "credit of the session leaks by one": muxes(({ window }) => {
    const consume = window.consume.bind(window);
    window.consume = (charge) => consume(Math.max(0, charge - 1));
  }),
  "the session takes more than its window": muxes(({ window }) => {
    const grant = window.grant.bind(window);
    window.grant = (...given) => {
      grant(...given);
      window.limit += 3_000_000;
    };
  }),
  "credit of the session is granted without waking": muxes((mux) => {
    mux.sessionWindowDue = () => {
      mux.outbox.windowDue = true;
    };
  }),
  "credit of a stream is taken without waking": muxes((mux) => {
    mux.credited = () => {};
  }),
  "queued bytes drift": muxes((mux) => {
    const finish = mux.finish.bind(mux);
    mux.finish = (stream, trailer) => {
      finish(stream, trailer);
      mux.outbox.queuedBytes++;
    };
  }),
  "a message is read twice": muxes((mux) => {
    const read = mux.read.bind(mux);
    const due = seldom(60);
    let last: Bytes | undefined;
    mux.read = (stream) => {
      if (last !== undefined && due()) return last;
      last = read(stream);
      return last;
    };
  }),
  "a message is skipped": muxes((mux) => {
    const read = mux.read.bind(mux);
    const due = seldom(60);
    mux.read = (stream) => {
      const message = read(stream);
      return message !== undefined && due() ? read(stream) : message;
    };
  }),
  "a message changes after it was read": muxes((mux) => {
    const read = mux.read.bind(mux);
    let last: Bytes | undefined;
    mux.read = (stream) => {
      last?.fill(0);
      last = read(stream);
      return last;
    };
  }),
  "a stream keeps its place": muxes((mux) => {
    const release = mux.release.bind(mux);
    const due = seldom(10);
    mux.release = (stream) => {
      if (!due()) release(stream);
    };
  }),
  "a stop is not told": muxes((mux) => {
    mux.stopStream = (stream, error) => {
      stream.receive.error = error;
      stream.receive.discarding = true;
    };
  }),
  "a reset is not told": muxes((mux) => {
    mux.resetStream = (stream) => mux.dropUnsent(stream);
  }),
  "readable is not told": swallow("readable", 40),
  "writable is not told": swallow("writable", 5),
  "stopped is not told": swallow("stopped", 2),
  "delivered is not told": swallow("delivered", 20),
  "closed is not told": swallow("closed", 1),
  "a datagram comes twice": muxes((mux) => {
    const emitDatagram = mux.emitDatagram.bind(mux);
    mux.emitDatagram = (payload) => emitDatagram(payload) && emitDatagram(payload);
  }),
  "a timer spins": connections((connection) => {
    const handleTimeout = connection.handleTimeout.bind(connection);
    const due = seldom(3);
    connection.handleTimeout = (now) => (due() ? undefined : handleTimeout(now));
  }),
  "a silent peer is never judged": connections((connection) => {
    Object.defineProperty(connection, "deadline", { get: () => undefined });
  }),
};
