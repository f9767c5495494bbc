import { describe, expect, test } from "vitest";
import { ByteConsumer, ByteProducer } from "../../src/channels/byte-ring.ts";
import { bytesOf, CELL_BYTES, HEADER_BYTES, type Layout, writeLayout } from "../../src/channels/layout.ts";
import { MpmcConsumer, MpmcProducer } from "../../src/channels/mpmc.ts";
import { MpscConsumer, MpscProducer } from "../../src/channels/mpsc.ts";
import type { SlotConsumer, SlotProducer } from "../../src/channels/ring.ts";
import { SpscConsumer, SpscProducer } from "../../src/channels/spsc.ts";
import { Bell, BlockingWait } from "../../src/channels/wait.ts";
import { explore } from "./explorer.ts";

/** Numbers of messages: what a thread has sent, or what it has received. */
interface Seen {
  readonly sent: readonly number[];
  readonly received: readonly number[];
}

const RINGS = {
  spsc: [SpscProducer, SpscConsumer],
  mpsc: [MpscProducer, MpscConsumer],
  mpmc: [MpmcProducer, MpmcConsumer],
} as const;
type Kind = keyof typeof RINGS;

function layoutOf(kind: Kind, start: number, capacity = 2): Layout {
  const cell = kind === "spsc" ? 0 : CELL_BYTES;
  const ends = { senders: kind === "spsc" ? 1 : 2, receivers: kind === "mpmc" ? 2 : 1 };
  return { kind, style: "slots", capacity, slotBytes: 8, stride: cell + 8, start, ...ends };
}

function memoryOf(layout: Layout): Int32Array {
  const buffer = new SharedArrayBuffer(bytesOf(layout));
  writeLayout(buffer, layout);
  return new Int32Array(new Int32Array(buffer));
}

/** Sends each number of `numbers` once, in batches of up to `want`, and gives up when the ring was full `patience` times. */
function producer(kind: Kind, layout: Layout, numbers: readonly number[], want = 1, patience = 1) {
  return (words: Int32Array): Seen => {
    const ring: SlotProducer = new RINGS[kind][0](words, layout);
    let next = 0;
    for (let full = 0; next < numbers.length && full < patience; ) {
      const count = ring.claim(Math.min(want, numbers.length - next));
      if (count === 0) full++;
      else {
        for (let i = 0; i < count; i++)
          words[(ring.offset + i * layout.stride) >> 2] = numbers[next + i] as number;
        ring.publish(count);
        next += count;
      }
    }
    return { sent: numbers.slice(0, next), received: [] };
  };
}

/** Claims two cells, publishes the first and gives the second up, as a lease that sends less than it was lent. */
function halfProducer(kind: Kind, layout: Layout, number: number) {
  return (words: Int32Array): Seen => {
    const ring: SlotProducer = new RINGS[kind][0](words, layout);
    const count = ring.claim(2);
    if (count === 0) return { sent: [], received: [] };
    words[ring.offset >> 2] = number;
    ring.publish(1);
    return { sent: [number], received: [] };
  };
}

function consumer(kind: Kind, layout: Layout, attempts: number, want = 1) {
  return (words: Int32Array): Seen => {
    const ring: SlotConsumer = new RINGS[kind][1](words, layout);
    const received: number[] = [];
    for (let attempt = 0; attempt < attempts; attempt++) {
      const count = ring.claim(want);
      for (let i = 0; i < count; i++) received.push(words[(ring.offset + i * layout.stride) >> 2] as number);
      if (count > 0) ring.release(count);
    }
    return { sent: [], received };
  };
}

/** Each number that was sent is received once, or still in the ring, and nobody sees those of one sender out of order. */
function checkNumbers(kind: Kind, layout: Layout, before: readonly number[] = []) {
  return (memory: Int32Array, results: readonly Seen[]) => {
    const left = consumer(kind, layout, 8)(shared(memory)).received;
    const all = [...results.flatMap(({ received }) => received), ...left];
    expect(all.toSorted()).toEqual([...before, ...results.flatMap(({ sent }) => sent)].toSorted());
    for (const received of [left, ...results.map((result) => result.received)]) {
      for (const sender of [1, 2]) {
        const own = received.filter((number) => Math.floor(number / 10) === sender);
        expect(own).toEqual(own.toSorted());
      }
    }
  };
}

function shared(memory: Int32Array): Int32Array {
  const words = new Int32Array(new SharedArrayBuffer(memory.byteLength));
  words.set(memory);
  return words;
}

/** A ring in which these numbers lie already. */
function filled(layout: Layout, numbers: readonly number[]): Int32Array {
  const words = shared(memoryOf(layout));
  producer(layout.kind, layout, numbers)(words);
  return new Int32Array(words);
}

function byteProducer(layout: Layout, numbers: readonly number[]) {
  return (words: Int32Array): Seen => {
    const ring = new ByteProducer(words, layout);
    let next = 0;
    for (let full = 0; next < numbers.length && full < 3; ) {
      const at = ring.claim(next === 1 ? 4 : 3);
      if (at < 0) full++;
      else {
        words[at >> 2] = numbers[next++] as number;
        ring.publish();
      }
    }
    return { sent: numbers.slice(0, next), received: [] };
  };
}

function byteConsumer(layout: Layout, attempts: number) {
  return (words: Int32Array): Seen => {
    const ring = new ByteConsumer(words, layout);
    const received: number[] = [];
    for (let attempt = 0; attempt < attempts; attempt++) {
      const at = ring.claim();
      if (at < 0) continue;
      received.push(words[at >> 2] as number);
      ring.release();
    }
    return { sent: [], received };
  };
}

const NO_TIME = { schedule: () => 0, cancel: () => {}, now: () => 0 };

/** Sends all numbers: sleeps while the ring is full, and wakes who waits for them. */
function wakingProducer(layout: Layout, numbers: readonly number[]) {
  return (words: Int32Array): Seen => {
    const ring = new RINGS[layout.kind][0](words, layout);
    const data = new Bell(words, "receivers");
    const waiting = new BlockingWait(new Bell(words, "senders"), NO_TIME);
    for (const number of numbers) {
      waiting.until(() => (ring.claim(1) === 1 ? true : undefined), { spins: 0 });
      words[ring.offset >> 2] = number;
      ring.publish(1);
      if (data.isWanted) data.ring();
    }
    return { sent: numbers, received: [] };
  };
}

/** Receives so many numbers: sleeps while there is none, and wakes who waits for room. */
function sleepingConsumer(layout: Layout, count: number) {
  return (words: Int32Array): Seen => {
    const ring = new RINGS[layout.kind][1](words, layout);
    const space = new Bell(words, "senders");
    const waiting = new BlockingWait(new Bell(words, "receivers"), NO_TIME);
    const received: number[] = [];
    while (received.length < count) {
      waiting.until(() => (ring.claim(1) === 1 ? true : undefined), { spins: 0 });
      received.push(words[ring.offset >> 2] as number);
      ring.release(1);
      if (space.isWanted) space.ring();
    }
    return { sent: [], received };
  };
}

const STARTS = [0, -1, 0x7fff_ffff];
/** Gives the figures of a run to the log of the test. */
const logged: string[] = [];
function log(name: string, { states, ends }: { states: number; ends: number }): void {
  logged.push(`${name}: ${states} states, ${ends} ends`);
  console.info(logged.at(-1));
  expect(ends).toBeGreaterThan(0);
}

describe("every order of the steps of", { timeout: 120_000 }, () => {
  test.each(STARTS)("an spsc ring of 2, from position %i", (start) => {
    const layout = layoutOf("spsc", start);
    const threads = [producer("spsc", layout, [11, 12, 13, 14], 2, 3), consumer("spsc", layout, 4, 2)];
    log(
      `spsc from ${start}`,
      explore({ memory: memoryOf(layout), threads, check: checkNumbers("spsc", layout) }),
    );
  });

  test("an mpsc ring of 2 with 2 senders", () => {
    const layout = layoutOf("mpsc", -1);
    const threads = [
      producer("mpsc", layout, [11, 12], 1, 2),
      producer("mpsc", layout, [21, 22], 2),
      consumer("mpsc", layout, 3, 2),
    ];
    log("mpsc", explore({ memory: memoryOf(layout), threads, check: checkNumbers("mpsc", layout) }));
  });

  test.each(STARTS)("an mpmc ring of 2 with 2 senders and 2 receivers, from position %i", (start) => {
    const layout = layoutOf("mpmc", start);
    const threads = [
      producer("mpmc", layout, [11]),
      producer("mpmc", layout, [21]),
      consumer("mpmc", layout, 1),
      consumer("mpmc", layout, 1),
    ];
    // One message lies in it already, so that both senders find it full when no receiver was faster.
    const memory = filled(layout, [1]);
    const check = checkNumbers("mpmc", layout, [1]);
    log(`mpmc 2+2 from ${start}`, explore({ memory, threads, check }));
  });

  test("an mpmc ring of 2 with 2 senders that send twice", () => {
    const layout = layoutOf("mpmc", -1);
    const threads = [
      producer("mpmc", layout, [11, 12]),
      producer("mpmc", layout, [21]),
      consumer("mpmc", layout, 2, 2),
    ];
    const check = checkNumbers("mpmc", layout);
    log("mpmc 2+1", explore({ memory: memoryOf(layout), threads, check }));
  });

  test("an mpmc ring of 2 whose runs of 2 are sent at once and taken in parts", () => {
    const layout = layoutOf("mpmc", 0);
    const threads = [
      producer("mpmc", layout, [11, 12], 2),
      consumer("mpmc", layout, 2),
      consumer("mpmc", layout, 1, 2),
    ];
    const check = checkNumbers("mpmc", layout);
    log("mpmc, runs in parts", explore({ memory: memoryOf(layout), threads, check }));
  });

  test("an mpmc ring of 2 whose cells come back in runs of 2", () => {
    const layout = layoutOf("mpmc", 0);
    const threads = [
      producer("mpmc", layout, [11]),
      producer("mpmc", layout, [21, 22], 2),
      consumer("mpmc", layout, 2, 2),
    ];
    const check = checkNumbers("mpmc", layout, [1, 2]);
    log("mpmc, free runs", explore({ memory: filled(layout, [1, 2]), threads, check }));
  });

  test.each(["mpsc", "mpmc"] as const)("an %s ring of 2 with cells that are given up", (kind) => {
    const layout = layoutOf(kind, 0);
    const threads = [
      halfProducer(kind, layout, 11),
      producer(kind, layout, [21]),
      consumer(kind, layout, 3, 2),
    ];
    const check = checkNumbers(kind, layout);
    log(`${kind}, empty cells`, explore({ memory: memoryOf(layout), threads, check }));
  });

  test("a ring of bytes that wraps", () => {
    const layout: Layout = { ...layoutOf("spsc", -8), style: "bytes", capacity: 16, slotBytes: 4, stride: 1 };
    const threads = [byteProducer(layout, [11, 12, 13]), byteConsumer(layout, 4)];
    const check = (memory: Int32Array, results: readonly Seen[]) => {
      const left = byteConsumer(layout, 4)(shared(memory)).received;
      const received = [...results.flatMap((result) => result.received), ...left];
      expect(received).toEqual(results[0]?.sent);
    };
    log("bytes", explore({ memory: memoryOf(layout), threads, check }));
  });

  test("a receiver that sleeps, and a sender that wakes it", () => {
    const layout = layoutOf("spsc", -1);
    const threads = [wakingProducer(layout, [11, 12]), sleepingConsumer(layout, 3)];
    const check = checkNumbers("spsc", layout, [1]);
    log("bells", explore({ memory: filled(layout, [1]), threads, check }));
  });

  test("two receivers that sleep, and a sender that wakes them", () => {
    const layout = layoutOf("mpmc", 0);
    const threads = [wakingProducer(layout, [11]), sleepingConsumer(layout, 1), sleepingConsumer(layout, 1)];
    const check = checkNumbers("mpmc", layout, [1]);
    log("bells of two", explore({ memory: filled(layout, [1]), threads, check }));
  });
});

describe("the explorer notices", () => {
  const layout = layoutOf("mpmc", 0);
  const check = checkNumbers("mpmc", layout);

  test("a compare-and-swap that does not compare", () => {
    const threads = [producer("mpmc", layout, [11]), producer("mpmc", layout, [21])];
    expect(() => explore({ memory: memoryOf(layout), threads, check, brokenCompareExchange: true })).toThrow(
      "Wrong end",
    );
  });

  test("a message that is published before it is written", () => {
    const early = (words: Int32Array): Seen => {
      const ring = new MpmcProducer(words, layout);
      ring.claim(1);
      ring.publish(1);
      words[ring.offset >> 2] = 11;
      return { sent: [11], received: [] };
    };
    expect(() =>
      explore({ memory: memoryOf(layout), threads: [early, consumer("mpmc", layout, 1)], check }),
    ).toThrow("Wrong end");
  });

  test("a run whose first cell is published before the others", () => {
    const early = (words: Int32Array): Seen => {
      const ring = new MpmcProducer(words, layout);
      const first = HEADER_BYTES >> 2;
      ring.claim(2);
      words[first + 1] = 2;
      Atomics.store(words, first, 1);
      const second = first + (layout.stride >> 2);
      words[ring.offset >> 2] = 11;
      words[(ring.offset + layout.stride) >> 2] = 12;
      words[second + 1] = 1;
      words[second] = 2;
      return { sent: [11, 12], received: [] };
    };
    const threads = [early, consumer("mpmc", layout, 1, 2)];
    expect(() => explore({ memory: memoryOf(layout), threads, check })).toThrow("Wrong end");
  });

  test("a sleeper that does not look again", () => {
    const careless = (words: Int32Array): Seen => {
      const ring = new MpmcConsumer(words, layout);
      const bell = new Bell(words, "receivers");
      while (ring.claim(1) === 0) bell.sleep(bell.announce(), 50);
      return { sent: [], received: [words[ring.offset >> 2] as number] };
    };
    const threads = [wakingProducer(layout, [11]), careless];
    expect(() => explore({ memory: memoryOf(layout), threads, check })).toThrow("sleep for ever");
  });

  test("a waker that looks for sleepers before it publishes", () => {
    const careless = (words: Int32Array): Seen => {
      const ring = new MpmcProducer(words, layout);
      const bell = new Bell(words, "receivers");
      ring.claim(1);
      words[ring.offset >> 2] = 11;
      const { isWanted } = bell;
      ring.publish(1);
      if (isWanted) bell.ring();
      return { sent: [11], received: [] };
    };
    const threads = [careless, sleepingConsumer(layout, 1)];
    expect(() => explore({ memory: memoryOf(layout), threads, check })).toThrow("sleep for ever");
  });
});
