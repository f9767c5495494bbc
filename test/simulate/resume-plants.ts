import * as Control from "../../src/core/streams/control.ts";
import type { Mux } from "../../src/core/streams/mux.ts";
import type { SendHalf } from "../../src/core/streams/send-half.ts";
import { connections, muxes, type Plant, seldom } from "./plants.ts";

/** The arguments of {@link SendHalf.resume}, changed. */
type Positions = [received: number, consumed: number, limit: number];

/** Every sending half, changed. */
function halves(change: (send: SendHalf, mux: Mux) => void): Plant {
  return muxes((mux) => {
    const create = mux.create.bind(mux);
    mux.create = (...given) => {
      const stream = create(...given);
      change(stream.send, mux);
      return stream;
    };
  });
}

/** Halves go on with other positions than those that the peer has told. */
function resumedAt(change: (told: Positions, send: SendHalf) => Positions): Plant {
  return halves((send) => {
    const resume = send.resume.bind(send);
    send.resume = (...told) => resume(...change(told, send));
  });
}

/** One kind of end of a half is not remembered until it is known to have arrived. */
function notToldAgain(kind: number): Plant {
  return muxes(({ told }) => {
    const add = told.add.bind(told);
    told.add = (stream, bit) => {
      if (bit !== kind) add(stream, bit);
    };
  });
}

/** What the runs must notice of a session that goes on over another connection, by name. */
export const RESUME_PLANTS: Readonly<Record<string, Plant>> = {
  "a half goes back a byte too little": resumedAt(([received, consumed, limit], send) => [
    Math.min(received + 1, send.sent),
    consumed,
    limit,
  ]),
  "a half goes back to what was consumed": resumedAt(([, consumed, limit]) => [consumed, consumed, limit]),
  "a half does not go back": resumedAt(([, consumed, limit], send) => [send.sent, consumed, limit]),
  "what has arrived counts as consumed": resumedAt(([received, , limit]) => [received, received, limit]),
  "credit of a stream is added to what it had": resumedAt(([received, consumed, limit], send) => [
    received,
    consumed,
    send.limit + limit - consumed,
  ]),
  "credit of a stream that was lost is not taken": resumedAt(([received, consumed], send) => [
    received,
    consumed,
    send.limit,
  ]),
  "a half does not keep what it has sent": halves((send) => {
    const write = send.write.bind(send);
    send.write = (...given) => {
      const end = write(...given);
      send.forgetSent();
      return end;
    };
  }),
  "FIN is not sent again": halves((send) => {
    const resume = send.resume.bind(send);
    send.resume = (...told) => {
      const { finished } = send;
      const again = resume(...told);
      if (!finished || send.finished || send.unsent !== 1) return again;
      send.finished = true;
      send.sent++;
      return again - 1;
    };
  }),
  "the session does not go back": muxes(({ outbox }) => {
    const resumed = outbox.resumed.bind(outbox);
    outbox.resumed = (stream, again) => {
      resumed(stream, again);
      outbox.sent += again;
    };
  }),
  "the session's credit is added to what it had": muxes((mux) => {
    const { forgetParts } = mux.outbox;
    mux.outbox.forgetParts = () => {
      mux.outbox.limit += mux.outbox.limit - mux.outbox.acked;
      forgetParts.call(mux.outbox);
    };
  }),
  "a lost OPEN is not sent again": muxes(({ table }) => {
    table.rollBack = () => [];
  }),
  "a RESET is not told again": notToldAgain(Control.RESET),
  "a STOP is not told again": notToldAgain(Control.STOP),
  "a question counts as its own answer": muxes(({ told }) => {
    const ask = told.ask.bind(told);
    told.ask = () => {
      ask();
      told.answered();
    };
  }),
  "what was told is remembered for ever": muxes(({ told }) => {
    told.answered = () => {};
  }),
  "a part of a message is dropped": muxes((mux) => {
    const restart = mux.restart.bind(mux);
    mux.restart = () => {
      for (const { receive } of mux.assembly.streams()) if (receive.waiting === 0) receive.clear();
      restart();
    };
  }),
  "parts are named in the wrong order": muxes((mux) => {
    const streams = mux.assembly.streams.bind(mux.assembly);
    mux.assembly.streams = () => [...streams()].reverse();
  }),
  "the application is not woken up": muxes((mux) => {
    const restart = mux.restart.bind(mux);
    mux.restart = () => {
      const { wake } = mux;
      mux.wake = () => {};
      restart();
      mux.wake = wake;
    };
  }),
  "the earlier connection goes on": connections((connection) => {
    connection.supersede = () => {};
  }),
  "a token is good for one attempt only": () => ({
    registry(registry) {
      const claim = registry.claim.bind(registry);
      registry.claim = (...given) => {
        const owner = claim(...given);
        if (owner !== undefined) registry.confirm(owner);
        return owner;
      };
    },
  }),
  "a token is good for ever": () => ({
    registry(registry) {
      registry.confirm = () => {};
    },
  }),
  "a token is good for everybody": () => ({
    registry(registry) {
      const add = registry.add.bind(registry);
      const claim = registry.claim.bind(registry);
      const principals = new Map<string, string | undefined>();
      registry.add = (owner, sessionId, principal, digest) => {
        principals.set(sessionId.join(), principal);
        add(owner, sessionId, principal, digest);
      };
      registry.claim = (shown, fits) =>
        claim({ ...shown, principal: principals.get(shown.sessionId.join()) }, fits);
    },
  }),
  "an attempt that comes late takes the session": () => ({
    registry(registry) {
      const claim = registry.claim.bind(registry);
      registry.claim = (shown, fits) => claim({ ...shown, attempt: undefined }, fits);
    },
  }),
  "a session is kept for ever": () => ({
    registry(registry) {
      Object.defineProperty(registry, "deadline", { get: () => undefined });
    },
  }),
  "a session is not kept as long as it should be": () => ({
    registry(registry) {
      const { expire } = registry;
      const due = seldom(2);
      registry.expire = (now) => expire.call(registry, due() ? now + 1_000 : now);
      const deadline = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(registry), "deadline");
      Object.defineProperty(registry, "deadline", {
        get: () => {
          const at = deadline?.get?.call(registry) as number | undefined;
          return at === undefined ? undefined : at - 1_000;
        },
      });
    },
  }),
  "any number of sessions is kept": () => ({
    registry(registry) {
      const limits = { ...registry.limits, maxDetached: 1_000, maxDetachedPerPrincipal: 1_000 };
      Object.assign(registry, { limits });
    },
  }),
};
