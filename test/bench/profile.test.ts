import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type CpuProfile, parseProfile, summarize } from "../../bench/profile/cpu-profile.ts";
import { describeProfile } from "../../bench/profile/describe.ts";
import { ROOT } from "../../scripts/paths.mjs";

const node = (
  id: number,
  functionName: string,
  children: readonly number[] = [],
  url = "",
  lineNumber = 0,
) => ({
  id,
  callFrame: { functionName, url, lineNumber },
  children,
});

/** (root) > main > send > write, main > main > write, (idle), (garbage collector). */
const PROFILE: CpuProfile = {
  nodes: [
    node(1, "(root)", [2, 7, 8]),
    node(2, "main", [3, 5], "file:///a/bench.mjs", 9),
    node(3, "send", [4], "file:///a/bench.mjs", 19),
    node(4, "write", [], "node:net", 29),
    node(5, "main", [6], "file:///a/bench.mjs", 9),
    node(6, "write", [], "node:net", 29),
    node(7, "(idle)"),
    node(8, "(garbage collector)"),
  ],
  samples: [2, 4, 4, 6, 7, 8, 3],
  timeDeltas: [0, 100, 200, 300, 400, 1_000, 50],
};

describe("summarize()", () => {
  const summary = summarize([PROFILE]);
  const timeOf = (list: readonly { name: string; time: number }[], name: string) =>
    list.find((share) => share.name === name)?.time;

  it("counts each sample for the time until the next one, and idle time apart", () => {
    expect(summary).toMatchObject({ busy: 100 + 200 + 300 + 400 + 50, idle: 1_000 });
  });

  it("adds up a function over all its places", () => {
    expect(summary.self).toEqual([
      { name: "write node:net:30", time: 900 },
      { name: "main bench.mjs:10", time: 100 },
      { name: "(garbage collector)", time: 50 },
      { name: "send bench.mjs:20", time: 0 },
    ]);
  });

  it("counts a function that calls itself once", () => {
    expect(timeOf(summary.inclusive, "main bench.mjs:10")).toBe(1_000);
    expect(timeOf(summary.inclusive, "send bench.mjs:20")).toBe(500);
  });

  it("keeps the paths apart that lead to a function", () => {
    expect(summary.stacks.slice(0, 2)).toEqual([
      { name: "main bench.mjs:10 > send bench.mjs:20 > write node:net:30", time: 500 },
      { name: "main bench.mjs:10 > main bench.mjs:10 > write node:net:30", time: 400 },
    ]);
  });

  it("adds several profiles", () => {
    expect(summarize([PROFILE, PROFILE])).toMatchObject({ busy: 2 * summary.busy, idle: 2_000 });
  });
});

describe("parseProfile()", () => {
  it("refuses what is none", () => {
    for (const text of ["null", "{}", '{"nodes":[],"samples":[1],"timeDeltas":[]}']) {
      expect(() => parseProfile(text), text).toThrow(TypeError);
    }
  });
});

describe("describeProfile()", () => {
  it("gives the largest shares of the busy time", () => {
    const text = describeProfile(summarize([PROFILE]), 1);
    expect(text).toContain("Busy 1.1 ms of 2.0 ms (51.2 %)");
    expect(text).toContain(
      "### Self\n\n| share | ms | |\n|---|---|---|\n| 85.7 % | 0.9 | `write node:net:30` |\n\n",
    );
    expect(text).not.toContain("garbage");
  });

  it("says nothing of a process that did nothing", () => {
    expect(describeProfile(summarize([]), 3)).toContain("Busy 0.0 ms of 0.0 ms (0.0 %)");
  });
});

describe("npm run bench:profile", () => {
  let folder = "";
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "tideway-profile-"));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const run = (...args: readonly string[]) =>
    spawnSync(process.execPath, ["scripts/run-ts.mjs", "bench/profile/main.ts", ...args], {
      cwd: ROOT,
      encoding: "utf8",
    });

  it("sums up what Node writes", { timeout: 60_000 }, () => {
    const busy = "const end = Date.now() + 300; function spin() { while (Date.now() < end); } spin();";
    writeFileSync(join(folder, "busy.mjs"), busy);
    spawnSync(process.execPath, ["--cpu-prof", "--cpu-prof-dir", folder, join(folder, "busy.mjs")]);
    const { status, stdout } = run(folder, "--top", "3");
    expect(status).toBe(0);
    expect(stdout).toMatch(/### Self[^#]*`spin busy\.mjs:1`/);
  });

  it("ends with 2 where there is no profile", { timeout: 60_000 }, () => {
    expect(run(join(folder, "none"))).toMatchObject({ status: 2 });
    expect(run()).toMatchObject({ status: 2 });
  });
});
