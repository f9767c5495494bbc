import type { Browser, Page } from "@playwright/test";
import { median, percentile, spread } from "../../bench/statistics.ts";
import type { Who } from "../pages/latency/main.ts";
import { startDeno } from "../support/deno.ts";
import { startProgram } from "../support/program.ts";

/** How much is measured. */
export interface Plan {
  readonly rounds: number;
  /** Round trips of each kind until the browser has compiled the code, and in each round. */
  readonly warmUp: number;
  readonly echoes: number;
  /** Length of a transfer alone, and of one during which calls are made, ms. */
  readonly transferMs: number;
  readonly busyMs: number;
}

/** For figures that are kept. */
export const FULL_PLAN: Plan = { rounds: 5, warmUp: 4_000, echoes: 600, transferMs: 400, busyMs: 600 };
/** For a test. */
export const QUICK_PLAN: Plan = { rounds: 3, warmUp: 300, echoes: 300, transferMs: 150, busyMs: 200 };

/** One measured thing: a figure of each round for both. */
export interface Row {
  readonly name: string;
  readonly unit: "ms" | "MB/s" | "k/s";
  readonly tideway: readonly number[];
  readonly bare: readonly number[];
  /** Most that the ratio should be. */
  readonly target?: number;
}

/** What was measured over one transport with one server. */
export interface Group {
  readonly name: string;
  readonly rows: readonly Row[];
}

/** A server that runs, and how its page reaches it. */
interface Running {
  readonly url: string;
  readonly native?: { readonly url: string; readonly bareUrl: string; readonly hash: number[] };
  stop(): Promise<unknown>;
}

const MOST_P50 = 1.15;
const MOST_P99 = 1.25;
const BULK_MESSAGE_BYTES = 64 * 1024;
const SMALL_MESSAGE_BYTES = 64;
const WHO: readonly Who[] = ["tideway", "bare"];

async function startNode(): Promise<Running> {
  return startProgram("e2e/servers/latency/node.ts");
}

async function startDenoServer(): Promise<Running> {
  const server = await startDeno("e2e/servers/latency/deno.ts", "e2e/pages/latency/main.ts");
  const [page = "", url = "", bareUrl = ""] = server.urls;
  return {
    url: page,
    native: { url, bareUrl, hash: [...server.certificate.hash] },
    stop: () => server.stop(),
  };
}

/** Measure every transport with every server that has it, in pages of `browser`. */
export async function measureAll(
  browser: Browser,
  plan: Plan,
  log: (line: string) => void,
): Promise<Group[]> {
  const groups: Group[] = [];
  const node = await startNode();
  try {
    groups.push(await measureGroup("WebSocket, Node", browser, node, false, plan));
    log(summary(groups.at(-1)));
  } finally {
    await node.stop();
  }
  const deno = await startDenoServer();
  try {
    for (const native of [false, true]) {
      const name = native ? "WebTransport, Deno" : "WebSocket, Deno";
      groups.push(await measureGroup(name, browser, deno, native, plan));
      log(summary(groups.at(-1)));
    }
  } finally {
    await deno.stop();
  }
  return groups;
}

async function measureGroup(
  name: string,
  browser: Browser,
  { url, native }: Running,
  overNative: boolean,
  plan: Plan,
): Promise<Group> {
  const page = await browser.newPage();
  const problems: string[] = [];
  page.on("pageerror", ({ message }) => problems.push(message));
  try {
    await page.goto(url);
    await page.waitForFunction(() => window.latency !== undefined);
    if (!(await page.evaluate(() => crossOriginIsolated)))
      throw new Error("Cannot measure: the clock is coarse");
    await page.evaluate((given) => window.latency.open(given), overNative ? native : undefined);
    const found = new Samples();
    await measureFirst(page, found, plan.echoes);
    await page.evaluate((count) => window.latency.roundTrips(count), plan.warmUp);
    for (let round = 0; round < plan.rounds; round++) await measureRound(page, found, plan, round);
    await page.evaluate(() => window.latency.close());
    if (problems.length > 0) throw new Error(`Cannot measure: ${problems.join("; ")}`);
    return { name, rows: found.rows };
  } finally {
    await page.close();
  }
}

/** Figures of all rounds, in the order in which they were first measured. */
class Samples {
  readonly #rows: Map<string, { unit: Row["unit"]; target?: number; tideway: number[]; bare: number[] }> =
    new Map();

  add(name: string, unit: Row["unit"], who: Who, value: number, target?: number): void {
    const row = this.#rows.get(name) ?? { unit, tideway: [], bare: [], ...(target && { target }) };
    row[who].push(value);
    this.#rows.set(name, row);
  }

  addTimes(name: string, who: Who, times: readonly number[], checked: boolean): void {
    this.add(`${name}, p50`, "ms", who, percentile(times, 0.5), checked ? MOST_P50 : undefined);
    this.add(`${name}, p99`, "ms", who, percentile(times, 0.99), checked ? MOST_P99 : undefined);
  }

  get rows(): Row[] {
    return [...this.#rows].map(([name, row]) => ({ name, ...row }));
  }
}

/** The names of round trips, and what each is compared with. */
const ECHOES = [
  { name: "round trip of a message", tideway: "message", bare: "message" },
  { name: "round trip of a unary call", tideway: "call", bare: "message" },
  { name: "round trip of a datagram", tideway: "datagram", bare: "datagram" },
] as const;

/** What a page sees that has just been opened: most of the code is not compiled yet. */
async function measureFirst(page: Page, found: Samples, count: number): Promise<void> {
  const trips = await page.evaluate((given) => window.latency.roundTrips(given), count);
  for (const { name, ...ways } of ECHOES) {
    for (const who of WHO) {
      const times = trips[who]?.[ways[who]];
      if (times !== undefined)
        found.add(`the first ${count}: ${name}, p50`, "ms", who, percentile(times, 0.5));
    }
  }
}

async function measureRound(page: Page, found: Samples, plan: Plan, round: number): Promise<void> {
  // Each goes first every other time.
  const turns = round % 2 === 0 ? WHO : [...WHO].reverse();
  const trips = await page.evaluate((count) => window.latency.roundTrips(count), plan.echoes);
  for (const echo of ECHOES) {
    for (const who of WHO) {
      const times = trips[who]?.[echo[who]];
      if (times !== undefined) found.addTimes(echo.name, who, times, true);
    }
  }
  for (const way of ["up", "down"] as const) {
    for (const who of turns) {
      const given = { who, way, bytes: BULK_MESSAGE_BYTES, ms: plan.transferMs };
      const { bytes, ms } = await page.evaluate(
        (run) => window.latency.transfer(run.who, run.way, run.bytes, run.ms),
        given,
      );
      found.add(`64 KiB messages ${way}`, "MB/s", who, bytes / 1_000 / ms);
    }
  }
  for (const who of turns) {
    const { bytes, ms } = await page.evaluate(
      (run) => window.latency.transfer(run.who, "up", run.bytes, run.ms),
      { who, bytes: SMALL_MESSAGE_BYTES, ms: plan.transferMs },
    );
    found.add("64 B messages up", "k/s", who, bytes / SMALL_MESSAGE_BYTES / ms);
  }
  for (const way of ["up", "down"] as const) {
    for (const who of turns) {
      const echo = who === "tideway" ? "call" : "message";
      const times = await page.evaluate(
        (run) => window.latency.callsDuring(run.who, run.echo, run.way, run.ms),
        { who, echo, way, ms: plan.busyMs },
      );
      found.addTimes(`call during a transfer ${way}`, who, times, false);
    }
  }
}

/** Ours as a multiple of the bare API: the median of the rounds' ratios. */
export function ratioOf({ tideway, bare }: Row): number {
  return median(tideway.map((value, round) => value / (bare[round] ?? Number.NaN)));
}

/** How far the ratios of the rounds lie apart. */
export function spreadOf({ tideway, bare }: Row): number {
  return spread(tideway.map((value, round) => value / (bare[round] ?? Number.NaN)));
}

function summary(group: Group | undefined): string {
  const lines = group?.rows.map((row) => {
    const figures = `${median(row.tideway).toFixed(3)} against ${median(row.bare).toFixed(3)} ${row.unit}`;
    return `    ${row.name.padEnd(34)} ${figures}, x ${ratioOf(row).toFixed(2)}`;
  });
  return [`  ${group?.name}`, ...(lines ?? [])].join("\n");
}
