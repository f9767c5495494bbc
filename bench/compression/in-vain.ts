import { setImmediate as nextTask } from "node:timers/promises";
import * as zlib from "node:zlib";
import { accept, type Bytes, connectWith, memoryPair, raw, type Session } from "tideway";
import { type Compressor, compression, deflate, lz4 } from "tideway/compression";
import { type Zlib, zlibDeflate } from "../../src/compression/zlib.ts";
import { ZSTD_WASM, zstdWasm } from "../../src/compression/zstd-wasm.ts";
import { implementations } from "../../test/compression/implementations.ts";
import { makeInput } from "../../test/compression/inputs.ts";
import { type Bench, check, type Figure, interleave, type Plan } from "../harness.ts";
import { checkTally, type Tally } from "../messages.ts";
import { median } from "../statistics.ts";
import { tallyAll } from "../streams.ts";

/** Records before the first that counts: by then the session has found out that they do not shrink. */
const FIRST_RECORDS = 32;
/** Records of a run, of which one in 256, 8,192 or 16,384 is tried, by the compressor. */
const runRecords = ({ quick }: Plan) => (quick ? 16_384 : 32_768);
/** What a compressor is handed of a record at most, once others have failed, bytes. */
const PART_BYTES = 4_096;
const SIZES: Readonly<Record<string, number>> = { "1 KiB": 1_024, "16 KiB": 16_384 };

/** What has been asked of a compressor. */
interface Meter {
  readonly compressor: Compressor;
  bytes: number;
  /** The time of each try, ms. */
  tries: number[];
}

/** A run of a session: times in ms. */
interface Run {
  readonly elapsed: number;
  /** What it took to tell of all records whether they are to be tried. */
  readonly looks: number;
  readonly tries: readonly number[];
}

function metered(compressor: Compressor): Meter {
  const meter: Meter = {
    bytes: 0,
    tries: [],
    compressor: {
      ...compressor,
      compress: (source, into) => {
        const start = performance.now();
        const count = compressor.compress(source, into);
        meter.tries.push(performance.now() - start);
        meter.bytes += source.length;
        return count;
      },
    },
  };
  return meter;
}

/** Time of telling for so many records that they are not tried, ms. */
function lookMs(pool: readonly Bytes[], count: number): number {
  const records = compression([{ ...lz4, mostPassed: 1e9, compress: () => 0 }]).open();
  records.agree([lz4.number]);
  const pass = (record: Bytes) => records.compress(record, 0, record.length);
  for (let i = 0; i < FIRST_RECORDS; i++) pass(pool[i % pool.length]!);
  const start = performance.now();
  for (let i = 0; i < count; i++) pass(pool[i % pool.length]!);
  return performance.now() - start;
}

/**
 * A session in memory, both sides in this thread and with compression.
 * @returns it, and what sends messages over it, each in a task of its own, so that each is a record.
 */
async function pairOf(compressor: Compressor) {
  const options = { codecs: [raw], compression: compression([compressor], { sameMachine: true }) };
  let onTally: (tally: Promise<Tally>) => void = () => {};
  const { a, b } = memoryPair();
  const onSession = (session: Session) => session.onStream("sink", (stream) => onTally(tallyAll(stream)));
  accept(b, { ...options, onSession });
  const session = await connectWith(async () => a, { ...options, reconnect: false });
  const send = async (pool: readonly Bytes[], count: number) => {
    const arrived = new Promise<Tally>((resolve) => {
      onTally = resolve;
    });
    const stream = session.openStream("sink");
    for (let i = 0; i < count; i++) {
      const message = pool[i % pool.length]!;
      while (!stream.trySend(message)) await stream.ready();
      await nextTask();
    }
    const closed = stream.close();
    checkTally(await arrived, pool, count);
    await closed;
  };
  return { session, send };
}

/** A session over which noise goes that `by` has given up to compress. */
async function noisySession(bytes: number, by: Compressor) {
  const pool = Array.from({ length: 64 }, (_, i) => makeInput("noise", bytes, i + 1));
  const meter = metered(by);
  const { session, send } = await pairOf(meter.compressor);
  await send(pool, FIRST_RECORDS);
  return {
    run: async (records: number): Promise<Run> => {
      meter.bytes = 0;
      meter.tries = [];
      const start = performance.now();
      await send(pool, records);
      const elapsed = performance.now() - start;
      const pause = (by.mostPassed ?? 4_095) + 1;
      const { bytes: tried, tries } = meter;
      check(tries.length === records / pause, `${tries.length} records were tried, not one in ${pause}`);
      check(tried <= tries.length * PART_BYTES, `${tried} bytes were tried`);
      return { elapsed, looks: lookMs(pool, records), tries };
    },
    /** Check that nothing was compressed, and that text is at once. */
    end: async (): Promise<void> => {
      check(session.stats().bytesSaved === 0, "noise was compressed");
      await send([makeInput("json", 1_024, 1)], 1);
      check(session.stats().bytesSaved > 300, "text after noise was not compressed");
      await session.close();
    },
  };
}

/**
 * The share of the time that went into tries and looks in each run, %. A try counts with the median of all: a collection
 * of garbage that falls into one is that of the whole session, which makes some MB between two of them.
 */
function shares(runs: readonly Run[]): number[] {
  const usual = median(runs.flatMap(({ tries }) => tries));
  return runs.map(({ elapsed, looks, tries }) => (100 * (tries.length * usual + looks)) / elapsed);
}

/** Every compressor, and those of the highest levels; for a look, the first of each algorithm. */
async function compressors(
  quick: boolean,
): Promise<readonly (readonly [name: string, compressor: Compressor])[]> {
  const all = (await implementations()).filter(({ by }) => by !== "lz4-napi"); // which is not ours
  const named = all.map(({ by, compressor }) => [`${compressor.name}, ${by}`, compressor] as const);
  if (quick)
    return named.filter(
      ([, { number }], at) => all.findIndex((each) => each.compressor.number === number) === at,
    );
  const wasm = await zstdWasm(19, () => import(ZSTD_WASM));
  return [
    ...named,
    ["deflate, fflate, level 9", deflate(9)],
    ["deflate, node:zlib, level 9", zlibDeflate(zlib as unknown as Zlib, 9)],
    ["zstd, zstd-wasm, level 19", wasm],
  ];
}

/**
 * What it costs a session to have compression where nothing shrinks, after the first records: both times of a share
 * are of one run, which never waits, so that what else the machine does changes both alike.
 */
export const inVain: Bench = {
  id: "in-vain",
  async run(plan: Plan) {
    const figures: Figure[] = [];
    const records = runRecords(plan);
    for (const [size, bytes] of Object.entries(SIZES)) {
      const all = await compressors(plan.quick);
      const sessions = await Promise.all(all.map(([, by]) => noisySession(bytes, by)));
      for (const session of sessions) await session.run(records); // until its code is compiled
      const measured = await interleave(plan.runs, ...sessions.map((session) => () => session.run(records)));
      for (const session of sessions) await session.end();
      for (const [i, [name]] of all.entries())
        figures.push({
          id: "in-vain",
          name: `noise, ${size} a record: ${name}`,
          unit: "%",
          better: "lower",
          samples: shares(measured[i] as Run[]),
          target: { value: 2 },
        });
    }
    return figures;
  },
};
