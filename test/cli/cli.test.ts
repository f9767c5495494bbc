import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { BENCH, benchService } from "tideway/bench";
import { implement, raw, type Server, serve } from "tideway/node";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ROOT } from "../../scripts/paths.mjs";
import { bundleProgram, removeProgram, tideway } from "./run.ts";

interface Times {
  readonly count: number;
  readonly p50: number;
  readonly p90: number;
  readonly max: number;
}

interface BenchReport {
  readonly plan: { readonly codec: string };
  readonly counts: {
    readonly scheduled: number;
    readonly answered: number;
    readonly failed: number;
    readonly unanswered: number;
    readonly errors: Readonly<Record<string, number>>;
  };
  readonly timesMs: { readonly latency: Times; readonly service: Times; readonly connect: Times };
}

const folder = mkdtempSync(join(tmpdir(), "tideway-cli-"));
const STALL_MS = 600;
let server: Server;
let url = "";

beforeAll(async () => {
  await bundleProgram();
  server = await serve({ listen: ["ws://127.0.0.1:0"], services: [benchService] });
  url = server.urls[0] as string;
});

afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  removeProgram();
  await server.close({ drainMs: 0 });
});

/** A server whose process does nothing for a while, shortly after a client has come. */
function serveStalling(): Promise<Server> {
  const stall = () => {
    const end = performance.now() + STALL_MS;
    while (performance.now() < end);
  };
  return serve({
    listen: ["ws://127.0.0.1:0"],
    services: [benchService],
    onSession: () => void setTimeout(stall, 300),
  });
}

describe("tideway ping", () => {
  it("measures round trips to any server", async () => {
    const plain = await serve({ listen: ["tcp://127.0.0.1:0"] });
    const { status, out } = await tideway(
      "ping",
      plain.urls[0] as string,
      "--count",
      "5",
      "--interval",
      "20ms",
      "--json",
    );
    await plain.close({ drainMs: 0 });
    const report = JSON.parse(out) as { due: number; answered: number; roundTripMs: Times };
    expect(report).toMatchObject({ due: 5, answered: 5 });
    expect(report.roundTripMs.p50).toBeGreaterThan(0);
    expect(status).toBe(0);
  });

  it("prints each, and a summary", async () => {
    const { status, out } = await tideway("ping", url, "--count", "2", "--interval", "10ms");
    expect(out).toMatch(/connected in/);
    expect(out).toMatch(/^ {3}2 {2}\d/m);
    expect(out).toMatch(/2 pings, 2 answered/);
    expect(status).toBe(0);
  });

  it("counts pings that were due while the server stalled", async () => {
    const stalling = await serveStalling();
    const args = ["--count", "60", "--interval", "20ms", "--json"];
    const { status, out } = await tideway("ping", stalling.urls[0] as string, ...args);
    await stalling.close({ drainMs: 0 });
    const { roundTripMs } = JSON.parse(out) as { roundTripMs: Times };
    expect(roundTripMs.count).toBe(60);
    expect(roundTripMs.max).toBeGreaterThan(STALL_MS * 0.8);
    expect(roundTripMs.p90).toBeGreaterThan(STALL_MS * 0.3); // 30 of the 60 were due meanwhile
    expect(status).toBe(0);
  });

  it("ends with 1 when there is no server, and with 2 when the address is none", async () => {
    const gone = await tideway("ping", "ws://127.0.0.1:9", "--timeout", "2s");
    expect(gone.status).toBe(1);
    expect(gone.error).not.toBe("");
    expect((await tideway("ping")).status).toBe(2);
  });
});

describe("a server that asks who connects", () => {
  const serveKnown = () =>
    serve({
      listen: ["ws://127.0.0.1:0"],
      services: [benchService],
      authenticate: ({ token }) => {
        if (new TextDecoder().decode(token) !== "secret") throw new Error("who are you?");
      },
    });

  it("is reached with a token, and without one it is said how to give it", async () => {
    const known = await serveKnown();
    const address = known.urls[0] as string;
    const pinged = await tideway("ping", address, "--count", "1", "--token", "secret");
    const loaded = await tideway(
      "bench",
      address,
      "--duration",
      "200ms",
      "--rate",
      "50",
      "--token",
      "secret",
    );
    const refused = await tideway("ping", address, "--count", "1");
    const wrong = await tideway("bench", address, "--duration", "200ms", "--token", "guess");
    await known.close({ drainMs: 0 });
    expect([pinged.status, loaded.status, refused.status, wrong.status]).toEqual([0, 0, 1, 1]);
    for (const { error } of [refused, wrong]) {
      expect(error).toMatch("Authentication failed");
      expect(error).toMatch("--token, or in TIDEWAY_TOKEN");
    }
  });
});

describe("tideway bench", () => {
  it("keeps its rate and checks the answers", async () => {
    const distribution = join(folder, "latency.hgrm");
    const args = ["--connections", "4", "--rate", "500", "--duration", "1s", "--size", "1k", "--json"];
    const { status, out } = await tideway("bench", url, ...args, "--hdr", distribution);
    const { counts, plan, timesMs } = JSON.parse(out) as BenchReport;
    expect(counts).toMatchObject({ scheduled: 500, answered: 500, failed: 0, unanswered: 0 });
    expect(plan.codec).toBe("json");
    expect(timesMs.connect.count).toBe(4);
    expect(timesMs.latency.p50).toBeGreaterThan(0);
    expect(readFileSync(distribution, "utf8")).toMatch(/1\.000000000000 +500 +inf/);
    expect(status).toBe(0);
  });

  it("sends bytes where the server takes them", async () => {
    const bytes = await serve({ listen: ["tcp://127.0.0.1:0"], codecs: [raw], services: [benchService] });
    const { out } = await tideway(
      "bench",
      bytes.urls[0] as string,
      "--rate",
      "100",
      "--duration",
      "300ms",
      "--json",
    );
    await bytes.close({ drainMs: 0 });
    expect(JSON.parse(out)).toMatchObject({ plan: { codec: "raw" }, counts: { answered: 30, failed: 0 } });
  });

  it("keeps the schedule when the server stalls: no coordinated omission", async () => {
    const stalling = await serveStalling();
    // With one call under way at a time, a single one is sent during the stall. It is the only one that a tester
    // sees who waits for each answer; but all that were due meanwhile have waited.
    const args = ["--connections", "1", "--in-flight", "1", "--rate", "100", "--duration", "2s", "--json"];
    const { out } = await tideway("bench", stalling.urls[0] as string, ...args);
    await stalling.close({ drainMs: 0 });
    const { counts, timesMs } = JSON.parse(out) as BenchReport;
    expect(counts).toMatchObject({ scheduled: 200, answered: 200, unanswered: 0 });
    expect(timesMs.latency.max).toBeGreaterThan(STALL_MS * 0.8);
    expect(timesMs.latency.p90).toBeGreaterThan(STALL_MS * 0.25); // 60 of the 200 were due meanwhile
    expect(timesMs.service.p90).toBeLessThan(timesMs.latency.p90 / 2);
  });

  it("tells of calls that have no answer in the end", async () => {
    const silent = await serve({
      listen: ["ws://127.0.0.1:0"],
      services: [implement(BENCH, { tideway: { bench: { echo: onceOnly() } } })],
    });
    const args = [
      "--connections",
      "1",
      "--in-flight",
      "5",
      "--rate",
      "50",
      "--duration",
      "400ms",
      "--drain",
      "200ms",
    ];
    const { status, out } = await tideway("bench", silent.urls[0] as string, ...args, "--json");
    await silent.close({ drainMs: 0 });
    const { counts, timesMs } = JSON.parse(out) as BenchReport;
    expect(counts).toMatchObject({ scheduled: 20, answered: 0, unanswered: 20 });
    expect(timesMs.latency.count).toBe(20);
    expect(timesMs.latency.max).toBeGreaterThan(550); // the first was due at 0, and the end is at 600
    expect(status).toBe(1);
  });

  it("says what a server lacks, and what an option may be", async () => {
    const plain = await serve({ listen: ["ws://127.0.0.1:0"] });
    const lacking = await tideway("bench", plain.urls[0] as string);
    await plain.close({ drainMs: 0 });
    expect(lacking).toMatchObject({ status: 1, out: "" });
    expect(lacking.error).toMatch(/offers no benchService/);
    const wrong = await tideway("bench", url, "--size", "big");
    expect(wrong).toMatchObject({ status: 2, out: "" });
    expect(wrong.error).toBe("Cannot use --size big: expected a size such as 64, 4k or 1m\n");
    expect((await tideway("bench", url, "--speed", "9")).status).toBe(2);
  });
});

describe("tideway", () => {
  it("tells its version and its commands", async () => {
    const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { version: string };
    expect(await tideway("--version")).toMatchObject({ status: 0, out: `${version}\n` });
    expect((await tideway("bench", "--help")).out).toMatch(/--connections N/);
    expect(await tideway("shout", url)).toMatchObject({ status: 2, out: "" });
  });
});

describe("docs/cli.md", () => {
  const text = readFileSync(join(ROOT, "docs", "cli.md"), "utf8");
  const commands = [...text.matchAll(/^npx tideway (.+?)(?: +#.*)?$/gm)].map(
    ([, command]) => command as string,
  );

  it("has commands", () => expect(commands.length).toBeGreaterThan(3));

  for (const command of commands) {
    it(`runs npx tideway ${command}`, async () => {
      const words = command
        .replace(/ws:\/\/\S+/, url)
        .replace("latency.hgrm", join(folder, "docs.hgrm"))
        .split(" ");
      // Shorter than what a reader would wait for.
      const quick =
        words[0] === "ping"
          ? ["--count", "2", "--interval", "10ms"]
          : ["--connections", "3", "--rate", "100", "--duration", "200ms"];
      expect(await tideway(...words, ...quick)).toMatchObject({ status: 0, error: "" });
    });
  }
});

/** Answers the call that looks whether there is a service, and no other. */
function onceOnly(): (message: unknown) => unknown {
  let calls = 0;
  return (message) => (calls++ === 0 ? message : new Promise(() => {}));
}
