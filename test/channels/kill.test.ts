import { afterEach, describe, expect, test } from "vitest";
import { json, WireError } from "../../src/index.ts";
import {
  abandonChannel,
  type ChannelKind,
  coded,
  createChannel,
  type Format,
  openReceiver,
  openSender,
  struct,
} from "../../src/threads/channels.ts";
import { failure } from "../sessions.ts";

const RUNS = 100;
const real = Atomics;
afterEach(() => {
  globalThis.Atomics = real;
});

class Killed extends Error {}

/** Run `work` and end it in front of its step number `step`, as the end of its thread does. @returns whether it was. */
function killAt(step: number, work: () => void): boolean {
  let steps = 0;
  globalThis.Atomics = new Proxy(real, {
    get: (target, name) => {
      const method = Reflect.get(target, name) as (...args: unknown[]) => unknown;
      return (...args: unknown[]) => {
        if (steps++ >= step) throw new Killed(); // and whatever a `finally` does after it
        return method(...args);
      };
    },
  });
  try {
    work();
    return false;
  } catch (error) {
    if (!(error instanceof Killed)) throw error;
    return true;
  } finally {
    globalThis.Atomics = real;
  }
}

const KINDS: readonly ChannelKind[] = ["spsc", "mpsc", "mpmc"];
const FORMATS: Record<string, Format<{ n: number }>> = {
  struct: struct({ n: "u32" }),
  coded: coded(json, 60) as Format<{ n: number }>,
};

/** A channel with some messages in it, and all its ends. */
function open(kind: ChannelKind, format: Format<{ n: number }>, run: number) {
  const buffer = createChannel({
    kind,
    format,
    start: -run,
    senders: kind === "spsc" ? 1 : 2,
    receivers: kind === "mpmc" ? 2 : 1,
    ...(kind === "spsc" && format.style === "coded" ? { capacityBytes: 128 } : { capacity: 4 }),
  });
  const senders = Array.from({ length: kind === "spsc" ? 1 : 2 }, () => openSender(buffer, format));
  const receivers = Array.from({ length: kind === "mpmc" ? 2 : 1 }, () => openReceiver(buffer, format));
  let next = 0;
  for (let i = 0; i < run % 4; i++) if (senders[0]?.trySend({ n: next })) next++;
  return { buffer, senders, receivers, next };
}

describe.each(KINDS)("%s: a thread that ends at any step", (kind) => {
  for (const [name, format] of Object.entries(FORMATS)) {
    test.each(["trySend", "trySendBatch"] as const)(`${name}, in %s()`, (method) => {
      let killed = 0;
      for (let step = 0; step < 100; step++) {
        for (let run = 0; run < RUNS; run++) {
          const { buffer, senders, receivers, next } = open(kind, format, run);
          const batch = [{ n: next }, { n: next + 1 }];
          const died = killAt(step, () => {
            if (method === "trySend") senders[0]?.trySend(batch[0] as { n: number });
            else senders[0]?.trySendBatch(batch);
          });
          if (!died) continue;
          killed++;
          abandonChannel(buffer);
          const seen: number[] = [];
          expect(() => {
            for (let got = receivers[0]?.tryReceive(); got !== undefined; got = receivers[0]?.tryReceive())
              seen.push(got.n);
          }).toThrow(expect.objectContaining({ code: "ERR_PEER_GONE" }));
          // What was there before is whole; the last ones are, or are not.
          expect(seen).toEqual(Array.from(seen, (_, i) => i));
          expect(seen.length).toBeGreaterThanOrEqual(next);
          for (const survivor of senders.slice(1))
            expect(() => survivor.trySend({ n: 0 })).toThrow(WireError);
        }
      }
      expect(killed).toBeGreaterThanOrEqual(2 * RUNS);
    });

    test(`${name}, in tryReceive()`, () => {
      let killed = 0;
      for (let step = 0; step < 100; step++) {
        for (let run = 0; run < RUNS; run++) {
          const { buffer, senders, receivers, next } = open(kind, format, run);
          if (!killAt(step, () => receivers[0]?.tryReceive())) continue;
          killed++;
          abandonChannel(buffer);
          expect(() => senders[0]?.trySend({ n: 0 })).toThrow(
            expect.objectContaining({ code: "ERR_PEER_GONE" }),
          );
          const seen: number[] = [];
          for (const survivor of receivers.slice(1)) {
            expect(() => {
              for (let got = survivor.tryReceive(); got !== undefined; got = survivor.tryReceive())
                seen.push(got.n);
            }).toThrow(expect.objectContaining({ code: "ERR_PEER_GONE" }));
            expect(seen).toEqual(Array.from(seen, (_, i) => i + next - seen.length));
          }
        }
      }
      expect(killed).toBeGreaterThanOrEqual(2 * RUNS);
    });

    test(`${name}: who waits is told`, async () => {
      const { buffer, senders, receivers } = open(kind, format, 0);
      const waiting = failure((receivers[0] as (typeof receivers)[0]).receive());
      killAt(0, () => senders[0]?.trySend({ n: 0 }));
      const start = performance.now();
      abandonChannel(buffer);
      expect(await waiting).toMatchObject({ code: "ERR_PEER_GONE" });
      expect(performance.now() - start).toBeLessThan(1_000);
    });
  }
});
