import { check } from "../harness.ts";
import { makeMessages } from "../messages.ts";
import type { Curve } from "./curve.ts";
import { heldBytes } from "./meters.ts";
import { openWide, until, type WideSession } from "./sessions.ts";

/** Things that a point holds at least, over as many sessions as that takes: few weigh less than what else comes and goes. */
const LEAST_HELD = 1_500;

/** Open the sessions of a point, outside of what is measured. */
function openSessions(count: number, options: { readonly holdCalls?: boolean } = {}): Promise<WideSession[]> {
  return Promise.all(Array.from({ length: Math.ceil(LEAST_HELD / count) }, () => openWide(options)));
}

function closeAll(sessions: readonly WideSession[]): Promise<unknown> {
  return Promise.all(sessions.map(({ session }) => session.close()));
}

/** C6: both ends of each stream. */
const streams: Curve = {
  id: "C6",
  name: "memory of an open stream",
  unit: "bytes",
  xName: "open streams",
  xs: [100, 1_000, 10_000],
  quickXs: [100, 1_500],
  flat: [100, 10_000],
  async measure(count) {
    const sessions = await openSessions(count);
    const [message] = makeMessages(64);
    const bytes = await heldBytes(
      async () => {
        for (const { session } of sessions) {
          for (let i = 0; i < count; i++) session.openStream("count").trySend(message!);
        }
        await until(() => sessions.every(({ heard }) => heard >= count));
        check(
          sessions.every(({ session }) => session.stats().streams === count),
          "a stream is over",
        );
      },
      () => closeAll(sessions),
    );
    return bytes / (count * sessions.length);
  },
};

/** C7: both ends of each connection. */
const connections: Curve = {
  id: "C7",
  name: "memory of a connection",
  unit: "bytes",
  xName: "connections",
  xs: [250, 1_000, 4_000, 10_000],
  quickXs: [250, 500],
  flat: [250, 10_000],
  async measure(count) {
    const bytes = await heldBytes(
      async () => {
        const all: WideSession[] = [];
        for (let i = 0; i < count; i++) all.push(await openWide());
        await all[0]!.calls.echo(makeMessages(64)[0]!);
        check(
          all.every(({ session }) => session.state === "open"),
          "a session is not open",
        );
        return all;
      },
      (all) => Promise.all(all.map(({ session }) => session.close())),
    );
    return bytes / count;
  },
};

/** C8: calls that wait for their answers, both sides. */
const inFlight: Curve = {
  id: "C8",
  name: "memory of a call in flight",
  unit: "bytes",
  xName: "calls in flight",
  xs: [100, 1_000, 10_000],
  quickXs: [100, 1_500],
  flat: [100, 10_000],
  async measure(count) {
    const sessions = await openSessions(count, { holdCalls: true });
    const [message] = makeMessages(64);
    const bytes = await heldBytes(
      async () => {
        const calls = sessions.flatMap(({ calls: { echo } }) =>
          Array.from({ length: count }, () => echo(message!).catch(() => {})),
        );
        await until(() => sessions.every(({ held }) => held >= count));
        return calls;
      },
      async (calls) => {
        await closeAll(sessions);
        await Promise.all(calls);
      },
    );
    return bytes / (count * sessions.length);
  },
};

const MIB = 1 << 20;

/** C9: messages that the receiver keeps. Small ones weigh what an object weighs; from some size on, only their bytes count. */
const keptMessages: Curve = {
  id: "C9",
  name: "memory of a KiB that was received and is kept",
  unit: "bytes",
  xName: "bytes of a message",
  xs: [16, 256, 4_096, 65_536, 262_144, MIB, 4 * MIB, 16 * MIB],
  quickXs: [16, 4_096, 65_536, MIB, 4 * MIB],
  flat: [4_096, 16 * MIB],
  async measure(length) {
    const wide = await openWide();
    const message = new Uint8Array(length).fill(1);
    const count = Math.max(2, Math.min(LEAST_HELD, (4 * MIB) / length));
    const kept: Uint8Array[] = [];
    wide.onMessage = (each) => kept.push(each);
    const bytes = await heldBytes(
      async () => {
        const stream = wide.session.openStream("count");
        for (let i = 0; i < count; i++) while (!stream.trySend(message)) await stream.ready();
        await until(() => kept.length >= count);
        check(
          kept.every((each) => each.length === length && each[length - 1] === 1),
          "a message that was kept is not the one that was sent",
        );
        return stream;
      },
      async () => kept.splice(0),
    );
    await wide.session.close();
    return bytes / (count * (length / 1_024));
  },
};

/** Memory against number and size. */
export const MEMORY_CURVES: readonly Curve[] = [streams, connections, inFlight, keptMessages];
