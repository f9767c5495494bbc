import { afterEach, describe, expect, test } from "vitest";
import { type Bytes, equalBytes } from "../../src/core/bytes.ts";
import { type ErrorName, WireError } from "../../src/core/errors.ts";
import { MAIN_LANE } from "../../src/core/lanes/lane.ts";
import type { Transport, TransportEvents } from "../../src/transports/transport.ts";

/** Two connected transports that are not started yet. */
export interface OpenTransports {
  readonly a: Transport;
  readonly b: Transport;
  /** Break the path between them. */
  lose?(): void;
  /** Free what `open` made. Both transports may be closed already. */
  cleanup(): Promise<void>;
}

/** What every test of the suite may assume. */
export interface TransportSuiteOptions {
  /** The longest record that is tried. */
  readonly maxRecordBytes?: number;
  /** What both ends are told when the path between them breaks. */
  readonly lossCode?: ErrorName;
}

const KIB = 1024;
/** Around each width of a WebSocket length and each size at which `ws` changes its way. */
const EDGES = [1, 23, 24, 125, 126, 127, 4096, 65_535, 65_536, 65_537, 1024 * KIB];
/** Longer than the way of a record over the loopback takes. */
const SETTLE_MS = 30;

/** The contract of {@link Transport}, tested over the public interface of two connected ends. */
export function transportSuite(
  name: string,
  open: () => Promise<OpenTransports>,
  { maxRecordBytes = 1024 * KIB, lossCode = "ERR_CONNECTION_LOST" }: TransportSuiteOptions = {},
): void {
  describe(`${name}: transport contract`, () => {
    let opened: OpenTransports | undefined;
    let recorders: Recorder[] = [];

    async function openBoth(): Promise<OpenTransports> {
      opened = await open();
      return opened;
    }

    function record(transport: Transport): Recorder {
      const recorder = new Recorder();
      recorders.push(recorder);
      transport.start(recorder);
      expect(recorder.calls, "no event before start() returns").toBe(0);
      return recorder;
    }

    async function start() {
      const both = await openBoth();
      return { ...both, atA: record(both.a), atB: record(both.b) };
    }

    afterEach(async () => {
      await opened?.cleanup();
      opened = undefined;
      await settle();
      for (const recorder of recorders) {
        expect(recorder.callsAfterClosed, "no event after closed").toBe(0);
        expect(recorder.ends.length, "closed at most once").toBeLessThanOrEqual(1);
      }
      recorders = [];
    });

    describe("records", () => {
      test("write() keeps the order", async () => {
        const { a, atB } = await start();
        for (let i = 0; i < 1000; i++) a.write(MAIN_LANE, sample(i, 20));
        await atB.received(1000);
        expect(atB.records.every((record, i) => equalBytes(record, sample(i, 20)))).toBe(true);
      });

      test("write() keeps the boundaries and bytes of every size", async () => {
        const { a, b, atA, atB } = await start();
        const sizes = EDGES.includes(maxRecordBytes) ? EDGES : [...EDGES, maxRecordBytes];
        for (const [i, size] of sizes.entries()) {
          a.write(MAIN_LANE, sample(i, size));
          b.write(MAIN_LANE, sample(i, size));
        }
        await Promise.all([atA.received(sizes.length), atB.received(sizes.length)]);
        for (const [i, size] of sizes.entries()) {
          expect(equalBytes(atA.records[i]!, sample(i, size)), `${size} bytes to a`).toBe(true);
          expect(equalBytes(atB.records[i]!, sample(i, size)), `${size} bytes to b`).toBe(true);
        }
      });

      test("writeParts() sends one record, in its order", async ({ skip }) => {
        const { a, b, atB } = await start();
        if (a.writeParts === undefined) return skip();
        const records = [...Array(40).keys()].map((i) => sample(i, i % 3 === 0 ? 20 : 70_000));
        for (const [i, bytes] of records.entries()) {
          if (i % 3 === 0) a.write(MAIN_LANE, bytes);
          else a.writeParts(MAIN_LANE, bytes.subarray(0, i), bytes.subarray(i));
        }
        a.flush?.();
        await atB.received(records.length);
        for (const [i, bytes] of records.entries()) {
          expect(equalBytes(atB.records[i]!, bytes), `record ${i}`).toBe(true);
          expect(equalBytes(bytes, sample(i, bytes.length)), `record ${i} is unchanged`).toBe(true);
        }
        expect(b.name).toBe(a.name);
      });

      test("write() never delivers before it returns", async () => {
        const { a, b, atA, atB } = await start();
        let writing = false;
        let reentered = false;
        atA.onData = atB.onData = () => {
          reentered ||= writing;
        };
        for (let i = 0; i < 100; i++) {
          writing = true;
          a.write(MAIN_LANE, sample(i, 10));
          b.write(MAIN_LANE, sample(i, 10));
          writing = false;
        }
        await Promise.all([atA.received(100), atB.received(100)]);
        expect(reentered).toBe(false);
      });

      test("a data listener can answer each record at once", async () => {
        const { a, b, atA, atB } = await start();
        atB.onData = (bytes) => b.write(MAIN_LANE, bytes);
        for (let i = 0; i < 200; i++) a.write(MAIN_LANE, sample(i, 300));
        await atA.received(200);
        expect(atA.records.every((record, i) => equalBytes(record, sample(i, 300)))).toBe(true);
      });

      test("received bytes are plain, and owned by the receiver", async () => {
        const { a, b, atA, atB } = await start();
        const mine = sample(7, 600);
        a.write(MAIN_LANE, mine);
        a.write(MAIN_LANE, mine);
        b.write(MAIN_LANE, mine);
        await Promise.all([atA.received(1), atB.received(2)]);
        for (const record of [...atA.records, ...atB.records]) {
          expect(record.constructor).toBe(Uint8Array);
          expect(record.buffer).toBeInstanceOf(ArrayBuffer);
        }
        atB.records[0]!.fill(0);
        atA.records[0]!.fill(0);
        expect(equalBytes(mine, sample(7, 600)), "the writer's").toBe(true);
        expect(equalBytes(atB.records[1]!, mine), "the neighbour's").toBe(true);
      });

      test("what arrives before start() is kept", async () => {
        const { a, b } = await openBoth();
        const atA = record(a);
        for (let i = 0; i < 3; i++) a.write(MAIN_LANE, sample(i, 50));
        a.close(1000, "");
        await settle();
        const atB = record(b);
        await Promise.all([atA.ended(), atB.ended()]);
        expect(atB.records.map((record) => record[0])).toEqual([0, 1, 2]);
        expect(atB.ends).toEqual([undefined]);
      });
    });

    describe("backpressure", () => {
      const RECORD_BYTES = 64 * KIB;
      /** More than the marks and the kernel's buffers hold together. */
      const MANY = 512;

      test("a writer that waits for drain() sends everything in bounded memory", async () => {
        const { a, atA, atB } = await start();
        let written = 0;
        let firstLevel: number | undefined;
        let highest = 0;
        const pump = (): void => {
          let more = true;
          while (more && written < MANY) {
            more = a.write(MAIN_LANE, sample(written++, RECORD_BYTES));
            highest = Math.max(highest, a.bufferedBytes(MAIN_LANE) ?? 0);
          }
          if (!more) firstLevel ??= a.bufferedBytes(MAIN_LANE);
        };
        atA.onDrain = pump;
        pump();
        expect(firstLevel, "write() returned false").toBeGreaterThan(0);
        await atB.received(MANY);
        expect(atA.drains).toBeGreaterThan(0);
        expect(highest).toBeLessThanOrEqual(firstLevel! + RECORD_BYTES);
        expect(atB.records.every((record, i) => equalBytes(record, sample(i, RECORD_BYTES)))).toBe(true);
      });

      test("drain() comes once after false, and not without it", async () => {
        const { a, atA, atB } = await start();
        expect(a.write(MAIN_LANE, sample(0, 10))).toBe(true);
        await atB.received(1);
        await settle();
        expect(atA.drains).toBe(0);
        let count = 1;
        while (a.write(MAIN_LANE, sample(count++, RECORD_BYTES))) expect(count).toBeLessThan(MANY);
        a.write(MAIN_LANE, sample(count++, RECORD_BYTES));
        await atB.received(count);
        await atA.until(() => atA.drains > 0);
        await settle();
        expect(atA.drains).toBe(1);
        expect(a.bufferedBytes(MAIN_LANE) ?? 0).toBe(0);
      });

      test("pause() holds what arrives and pushes back, resume() lets it go", async () => {
        const { a, b, atB } = await start();
        if (!b.capabilities.inboundPause) return;
        b.pause?.();
        let count = 0;
        while (a.write(MAIN_LANE, sample(count++, RECORD_BYTES))) expect(count).toBeLessThan(MANY);
        await settle();
        expect(atB.records.length).toBe(0);
        b.resume?.();
        await atB.received(count);
      });
    });

    describe("end", () => {
      test("close() delivers what was written before", async () => {
        const { a, atA, atB } = await start();
        for (let i = 0; i < 200; i++) a.write(MAIN_LANE, sample(i, 10 * KIB));
        a.close(1000, "done");
        await Promise.all([atA.ended(), atB.ended()]);
        expect(atB.records.length).toBe(200);
        expect([atA.ends, atB.ends]).toEqual([[undefined], [undefined]]);
      });

      test("close() works while this side is paused", async () => {
        const { a, b, atA, atB } = await start();
        a.pause?.();
        b.write(MAIN_LANE, sample(0, 10));
        await settle();
        a.close(1000, "");
        await Promise.all([atA.ended(), atB.ended()]);
        expect([atA.ends, atB.ends]).toEqual([[undefined], [undefined]]);
      });

      test("close() on both sides at once ends both in order", async () => {
        const { a, b, atA, atB } = await start();
        a.close(1000, "a");
        b.close(1000, "b");
        await Promise.all([atA.ended(), atB.ended()]);
        expect([atA.ends, atB.ends]).toEqual([[undefined], [undefined]]);
      });

      test("close() from a data listener ends both in order", async () => {
        const { a, b, atA, atB } = await start();
        atB.onData = () => b.close(1000, "");
        a.write(MAIN_LANE, sample(0, 10));
        a.write(MAIN_LANE, sample(1, 10));
        await Promise.all([atA.ended(), atB.ended()]);
        expect([atA.ends, atB.ends]).toEqual([[undefined], [undefined]]);
      });

      test("close() takes a reason of any length and script", async () => {
        const { a, atA, atB } = await start();
        a.close(3000, "Grüße 🌊 ".repeat(40));
        await Promise.all([atA.ended(), atB.ended()]);
        expect(atA.ends).toEqual([undefined]);
      });

      test("write() and close() after close() do nothing", async () => {
        const { a, b, atA, atB } = await start();
        a.write(MAIN_LANE, sample(0, 10));
        a.close(1000, "");
        a.write(MAIN_LANE, sample(1, 10));
        a.close(1000, "again");
        await Promise.all([atA.ended(), atB.ended()]);
        for (const transport of [a, b]) {
          transport.write(MAIN_LANE, sample(2, 10));
          transport.close(1000, "");
          transport.pause?.();
          transport.resume?.();
        }
        await settle();
        expect(atB.records.length).toBe(1);
      });

      test("a loss gives both ends an error", async () => {
        const { a, lose, atA, atB } = await start();
        if (lose === undefined) return;
        a.write(MAIN_LANE, sample(0, 10));
        await atB.received(1);
        lose();
        await Promise.all([atA.ended(), atB.ended()]);
        for (const recorder of [atA, atB]) {
          expect(recorder.ends[0]).toBeInstanceOf(WireError);
          expect(recorder.ends[0]?.code).toBe(lossCode);
        }
      });

      test("a loss with a full buffer gives no drain()", async () => {
        const { a, b, lose, atA, atB } = await start();
        if (lose === undefined) return;
        b.pause?.();
        for (let i = 0; i < 256 && a.write(MAIN_LANE, sample(i, 64 * KIB)); i++);
        lose();
        b.resume?.();
        await Promise.all([atA.ended(), atB.ended()]);
        expect(atA.ends[0]).toBeInstanceOf(WireError);
        expect(atA.drains).toBe(0);
      });
    });
  });
}

/** Keeps every event of one end. */
class Recorder implements TransportEvents {
  readonly records: Bytes[] = [];
  readonly ends: (WireError | undefined)[] = [];
  drains = 0;
  calls = 0;
  callsAfterClosed = 0;
  onData: (bytes: Bytes) => void = () => {};
  onDrain: () => void = () => {};
  readonly #waiting = new Set<() => void>();

  data(_lane: number, bytes: Bytes): void {
    this.#count();
    this.records.push(bytes);
    this.onData(bytes);
    this.#wake();
  }

  drain(): void {
    this.#count();
    this.drains++;
    this.onDrain();
    this.#wake();
  }

  lane(): void {
    this.#count();
  }

  datagram(): void {
    this.#count();
  }

  closed(error?: WireError): void {
    this.#count();
    this.ends.push(error);
    this.#wake();
  }

  received(count: number): Promise<void> {
    return this.until(() => this.records.length >= count);
  }

  ended(): Promise<void> {
    return this.until(() => this.ends.length > 0);
  }

  /** Wait until an event makes `done` true. */
  until(done: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!done()) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
      look();
    });
  }

  #count(): void {
    this.calls++;
    if (this.ends.length > 0) this.callsAfterClosed++;
  }

  #wake(): void {
    for (const look of this.#waiting) look();
  }
}

/** `size` bytes that tell records and positions apart; the first is `index`, mod 256. */
function sample(index: number, size: number): Bytes {
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; at += 97) bytes[at] = index + at;
  bytes[size - 1] = size === 1 ? index : 255 - (index & 127);
  return bytes;
}

function settle(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
}
