import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Random } from "../../src/testing/index.ts";
import { cutAt, cutLater, DIRECTIONS } from "./plans.ts";
import type { Direction, Fault } from "./proxy.ts";
import { ChaosServer, inLanes, type RunOptions, runOnce } from "./run.ts";
import { LONG_SCRIPT, type ScriptSize, SHORT_SCRIPT, WIDE_SCRIPT } from "./script.ts";
import { describeFailure, Totals } from "./totals.ts";

/** The first bytes of a connection, each of which is cut at: the handshake, and frames of every kind. */
const EVERY_BYTES = 2_000;
/** The first bytes of a connection that resumes. */
const RESUME_BYTES = 800;
/** The bytes among which the connection before it is cut. */
const CUT_BYTES = [1_000, 12_000] as const;
const RANDOM_RUNS = 300;
const WIDE_RUNS = 100;
const RANDOM_SEED = 20;
const FREEZE_EVERY_BYTES = 50;

/** How often a server asks a silent client in the runs that freeze, ms. */
const KEEP_ALIVE_MS = 60;
const FREEZE_CONNECT_MS = 300;

/** Runs at a time, and those of the long script. */
const LANES = 12;
const LONG_LANES = 4;
/** Failed runs after which no other one begins: each can take its whole time. */
const MOST_FAILED = 5;
const RESUME_P99_MS = 250;

let server: ChaosServer;
let patient: ChaosServer;

beforeAll(async () => {
  server = await ChaosServer.start();
  patient = await ChaosServer.start({ keepAliveMs: KEEP_ALIVE_MS, handshakeMs: 1_000 });
});

afterAll(async () => {
  await Promise.all([server.close(), patient.close()]);
  expect([server.sessions, patient.sessions]).toEqual([0, 0]);
});

type Run = Omit<RunOptions, "run">;

/** Do all runs, and require that none fails and that each of their faults has struck. */
async function runAll(
  name: string,
  runs: readonly Run[],
  { on = server, lanes = LANES } = {},
): Promise<Totals> {
  const least = runs.flatMap(({ plan }) => plan).length;
  const totals = new Totals();
  await inLanes(runs.entries(), lanes, async ([index, run]) => {
    if (totals.failed.length < MOST_FAILED)
      totals.add(await runOnce(on, { run: `${name} ${index}`, ...run }));
  });
  console.log(`${name}: ${totals.describe(least)}`);
  if (totals.verdict(least) !== "green") {
    expect.fail([totals.describe(least), ...totals.failed.map(describeFailure)].join("\n"));
  }
  return totals;
}

function bytesFrom(first: number, end: number, step = 1): number[] {
  return Array.from({ length: Math.ceil((end - first) / step) }, (_, i) => first + i * step);
}

describe("without faults", () => {
  test.each([
    ["short", SHORT_SCRIPT],
    ["long", LONG_SCRIPT],
  ] as const)("the %s script arrives, and nothing resumes", async (name, size) => {
    const { counts, resumes } = await runAll(`no faults, ${name}`, [{ size, plan: [] }]);
    expect(counts.recovered + counts.pending + resumes).toBe(0);
  });
});

describe.each(DIRECTIONS)("%s", (direction) => {
  test("survives a cut at every one of the first bytes", { timeout: 120_000 }, async () => {
    const runs = bytesFrom(0, EVERY_BYTES).map((byte) => ({
      size: SHORT_SCRIPT,
      plan: [cutAt(direction, byte)],
    }));
    const totals = await runAll(`cut at every byte ${direction}`, runs);
    expect(totals.resumes + totals.refused).toBe(totals.faults);
  });

  test("survives a second cut at every byte of the connection that resumes", {
    timeout: 120_000,
  }, async () => {
    const runs = bytesFrom(0, RESUME_BYTES).map((byte) => {
      const random = new Random(byte);
      const first = cutAt(random.pick(DIRECTIONS), random.int(...CUT_BYTES));
      return { size: SHORT_SCRIPT, plan: [first, cutAt(direction, byte)] };
    });
    await runAll(`cut while it resumes ${direction}`, runs);
  });

  test("notices a freeze", { timeout: 120_000 }, async () => {
    const runs = bytesFrom(0, EVERY_BYTES, FREEZE_EVERY_BYTES).map((byte, index): Run => {
      const freeze: Fault = { kind: "freeze", direction, byte };
      const plan = [index % 2 === 0 ? freeze : { ...freeze, destroyAfterMs: 150 }];
      return { size: SHORT_SCRIPT, plan, connectMs: FREEZE_CONNECT_MS };
    });
    await runAll(`freeze ${direction}`, runs, { on: patient });
  });
});

test("survives cuts at random later bytes, in the middle of large messages", {
  timeout: 120_000,
}, async () => {
  const random = new Random(RANDOM_SEED);
  const bytes = await measure(LONG_SCRIPT);
  expect(Math.min(...Object.values(bytes))).toBeGreaterThan(20 * 1_024);
  const runs = Array.from({ length: RANDOM_RUNS }, () => ({
    size: LONG_SCRIPT,
    plan: [cutLater(random, bytes)],
  }));
  await runAll(`random cuts, seed ${RANDOM_SEED}`, runs, { lanes: LONG_LANES });
});

test("survives cuts with many streams open", { timeout: 120_000 }, async () => {
  const random = new Random(RANDOM_SEED);
  const runs = Array.from({ length: WIDE_RUNS }, () => ({
    size: WIDE_SCRIPT,
    plan: [cutAt(random.pick(DIRECTIONS), random.int(...CUT_BYTES))],
  }));
  await runAll(`many streams, seed ${RANDOM_SEED}`, runs, { lanes: LONG_LANES });
});

test("a session alone on its machine resumes in time", { timeout: 120_000 }, async () => {
  const runs = bytesFrom(2_000, 12_000, 100).map((byte) => ({
    size: SHORT_SCRIPT,
    plan: [cutAt(DIRECTIONS[(byte / 100) % 2] as Direction, byte)],
  }));
  const totals = await runAll("alone", runs, { lanes: 1 });
  expect(totals.resumeMs(0.99)).toBeLessThan(RESUME_P99_MS);
});

/** Bytes that a script sends when nothing happens to it. */
async function measure(size: ScriptSize): Promise<Readonly<Record<Direction, number>>> {
  const { bytes } = await runOnce(server, { run: "measure", size, plan: [] });
  return bytes;
}
