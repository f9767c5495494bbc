import type { MessageStream } from "tideway";
import { callAll } from "../calls.ts";
import { check } from "../harness.ts";
import { makeMessages } from "../messages.ts";
import type { Curve } from "./curve.ts";
import { cpuNs } from "./meters.ts";
import { openWide, until, type WideSession } from "./sessions.ts";

const MIB = 1 << 20;
/** Operations of a point: some 30 ms of work. */
const OPERATIONS = 20_000;

/** A point moves about this much where its messages are long. */
const POINT_BYTES = 256 * MIB;

async function send(stream: MessageStream, message: Uint8Array<ArrayBuffer>): Promise<void> {
  while (!stream.trySend(message)) await stream.ready();
}

async function sendSized(bytes: number, count: number): Promise<number> {
  const wide = await openWide();
  const pool = bytes > MIB ? [new Uint8Array(bytes).fill(1)] : makeMessages(bytes);
  const stream = wide.session.openStream("count");
  const ns = await cpuNs(async () => {
    for (let i = 0; i < count; i++) await send(stream, pool[i % pool.length]!);
    await until(() => wide.heard >= count);
  });
  check(wide.heardBytes === bytes * count, `${wide.heardBytes} bytes arrived of ${bytes * count}`);
  await wide.session.close();
  return ns / count;
}

/** C1 */
const smallMessages: Curve = {
  id: "C1",
  name: "CPU time of a small message",
  unit: "ns",
  xName: "bytes",
  xs: [16, 64, 256, 1_024],
  quickXs: [16, 64, 256, 1_024],
  flat: [16, 1_024],
  measure: (bytes) => sendSized(bytes, OPERATIONS),
};

/** C2 */
const bulk: Curve = {
  id: "C2",
  name: "CPU time of a KiB",
  unit: "ns",
  xName: "bytes of a message",
  xs: [16, 256, 4_096, 65_536, 262_144, MIB, 4 * MIB, 16 * MIB],
  quickXs: [65_536, MIB, 4 * MIB],
  flat: [65_536, 16 * MIB],
  measure: async (bytes) => {
    const count = Math.min(OPERATIONS, Math.max(4, POINT_BYTES / bytes));
    return (await sendSized(bytes, count)) / (bytes / 1_024);
  },
};

/** C3: messages over all streams in turn. */
const streams: Curve = {
  id: "C3",
  name: "CPU time of a message",
  unit: "ns",
  xName: "open streams",
  xs: [1, 10, 100, 1_000, 10_000],
  quickXs: [1, 100, 2_000],
  flat: [1, 10_000],
  async measure(count) {
    const wide = await openWide();
    const [message] = makeMessages(64);
    const open = Array.from({ length: count }, () => wide.session.openStream("count"));
    for (const stream of open) await send(stream, message!);
    await until(() => wide.heard >= count);
    const ns = await cpuNs(async () => {
      for (let i = 0; i < OPERATIONS; i++) await send(open[i % count]!, message!);
      await until(() => wide.heard >= count + OPERATIONS);
    });
    check(wide.accepted.length === count, `${wide.accepted.length} of ${count} streams are open`);
    await wide.session.close();
    return ns / OPERATIONS;
  },
};

/** C4: calls over all connections in turn, each a connection of its own with both ends here. */
const connections: Curve = {
  id: "C4",
  name: "CPU time of a call",
  unit: "ns",
  xName: "connections",
  xs: [1, 10, 100, 1_000, 10_000],
  quickXs: [1, 100, 300],
  flat: [1, 10_000],
  async measure(count) {
    const all: WideSession[] = [];
    for (let i = 0; i < count; i++) all.push(await openWide());
    const [message] = makeMessages(64);
    const calls = Math.max(OPERATIONS / 2, 2 * count);
    let begun = 0;
    const caller = async () => {
      while (begun < calls) {
        const answer = await all[begun++ % count]!.calls.echo(message!);
        check(answer.length === 64, `${answer.length} bytes came back`);
      }
    };
    const ns = await cpuNs(caller);
    await Promise.all(all.map(({ session }) => session.close()));
    return ns / calls;
  },
};

/**
 * C5. The default limits allow 1,024 calls at a time. The live state of ten times as many is more than the caches and
 * the young heap hold, so what comes after that is drawn, but not judged.
 */
const inFlight: Curve = {
  id: "C5",
  name: "CPU time of a call",
  unit: "ns",
  xName: "calls in flight",
  xs: [1, 10, 100, 1_000, 10_000],
  quickXs: [10, 100, 1_000],
  flat: [10, 1_000],
  async measure(count) {
    const wide = await openWide();
    const operations = Math.max(2 * OPERATIONS, 8 * count);
    const ns = await cpuNs(() => callAll(wide.calls, makeMessages(64), operations, count));
    await wide.session.close();
    return ns / operations;
  },
};

/** Time against size and number. */
export const TIME_CURVES: readonly Curve[] = [smallMessages, bulk, streams, connections, inFlight];
