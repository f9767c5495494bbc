import type { Bytes } from "../../src/core/bytes.ts";
import type { Connection } from "../../src/core/connection.ts";
import type { SessionEvent } from "../../src/core/events.ts";
import type { Planted } from "../../src/testing/index.ts";

/** A fault that no network has: a run with it must fail. */
export type Plant = (run: Planted) => void;

/** The `count`-th record of a direction is replaced. */
function tamper(replace: (record: Bytes) => readonly Bytes[], count = 6): Plant {
  return ({ link }) => {
    for (const pipe of [link.aToB, link.bToA])
      pipe.tamper = (record, index) => (index === count ? replace(record) : [record]);
  };
}

/** Both sides, changed alike. */
function both(change: (side: Connection) => void): Plant {
  return ({ client, server }) => {
    change(client);
    change(server);
  };
}

/** True once in `every` calls. */
function seldom(every: number): () => boolean {
  let count = 0;
  return () => ++count % every === 0;
}

/** Events of `kind` are swallowed now and then. */
function swallow(kind: SessionEvent["kind"], every: number): Plant {
  return both((side) => {
    const poll = side.mux.poll.bind(side.mux);
    const due = seldom(every);
    side.mux.poll = () => {
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

/** What the runs must notice, by name. */
export const PLANTS: Readonly<Record<string, Plant>> = {
  "a record is lost": tamper(() => []),
  "a record comes twice": tamper((record) => [record, record]),
  "a bit is flipped": tamper((record) => [swapped(record)]),
  "a record is cut short": tamper((record) => [record.subarray(0, record.length - 1)]),
  "two records change places": ({ link }) => {
    let held: Bytes | undefined;
    link.bToA.tamper = (record, index) => {
      if (index === 5) {
        held = record;
        return [];
      }
      const first = held;
      held = undefined;
      return first === undefined ? [record] : [record, first];
    };
  },
  "credit of the session leaks by one": both(({ mux: { window } }) => {
    const consume = window.consume.bind(window);
    window.consume = (charge) => consume(Math.max(0, charge - 1));
  }),
  "the session takes more than its window": both(({ mux: { window } }) => {
    const grant = window.grant.bind(window);
    window.grant = (...given) => {
      grant(...given);
      window.limit += 3_000_000;
    };
  }),
  "credit of the session is granted without waking": both(({ mux }) => {
    mux.sessionWindowDue = () => {
      mux.outbox.windowDue = true;
    };
  }),
  "credit of a stream is taken without waking": both(({ mux }) => {
    mux.credited = () => {};
  }),
  "queued bytes drift": both(({ mux }) => {
    const finish = mux.finish.bind(mux);
    mux.finish = (stream, trailer) => {
      finish(stream, trailer);
      mux.outbox.queuedBytes++;
    };
  }),
  "a message is read twice": both(({ mux }) => {
    const read = mux.read.bind(mux);
    const due = seldom(60);
    let last: Bytes | undefined;
    mux.read = (stream) => {
      if (last !== undefined && due()) return last;
      last = read(stream);
      return last;
    };
  }),
  "a message is skipped": both(({ mux }) => {
    const read = mux.read.bind(mux);
    const due = seldom(60);
    mux.read = (stream) => {
      const message = read(stream);
      return message !== undefined && due() ? read(stream) : message;
    };
  }),
  "a message changes after it was read": both(({ mux }) => {
    const read = mux.read.bind(mux);
    let last: Bytes | undefined;
    mux.read = (stream) => {
      last?.fill(0);
      last = read(stream);
      return last;
    };
  }),
  "a stream keeps its place": both(({ mux }) => {
    const release = mux.release.bind(mux);
    const due = seldom(10);
    mux.release = (stream) => {
      if (!due()) release(stream);
    };
  }),
  "a stop is not told": both(({ mux }) => {
    mux.stopStream = (stream, error) => {
      stream.receive.error = error;
      stream.receive.discarding = true;
    };
  }),
  "a reset is not told": both(({ mux }) => {
    mux.resetStream = (stream) => mux.dropUnsent(stream);
  }),
  "readable is not told": swallow("readable", 40),
  "writable is not told": swallow("writable", 5),
  "stopped is not told": swallow("stopped", 2),
  "delivered is not told": swallow("delivered", 20),
  "closed is not told": swallow("closed", 1),
  "a datagram comes twice": both(({ mux }) => {
    const emitDatagram = mux.emitDatagram.bind(mux);
    mux.emitDatagram = (payload) => emitDatagram(payload) && emitDatagram(payload);
  }),
  "a timer spins": both((side) => {
    const handleTimeout = side.handleTimeout.bind(side);
    const due = seldom(3);
    side.handleTimeout = (now) => (due() ? undefined : handleTimeout(now));
  }),
  "a silent peer is never judged": both((side) => {
    Object.defineProperty(side, "deadline", { get: () => undefined });
  }),
};
