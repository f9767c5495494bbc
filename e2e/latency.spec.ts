import { expect, test } from "@playwright/test";
import { measureAll, QUICK_PLAN, ratioOf } from "./latency/measure.ts";
import { renderReport } from "./latency/report.ts";

/** Far above the targets: this runs on machines that are busy otherwise. */
const MOST_RATIO = 3;

test("a message, a call and a datagram take little longer than over the bare API", async ({ browser }) => {
  test.setTimeout(180_000);
  const groups = await measureAll(browser, QUICK_PLAN, console.log);
  expect(groups.map(({ name }) => name)).toEqual([
    "WebSocket, Node",
    "WebSocket, Deno",
    "WebTransport, Deno",
  ]);
  for (const { name, rows } of groups) {
    for (const row of rows) {
      const rounds = row.name.startsWith("the first") ? 1 : QUICK_PLAN.rounds;
      expect([row.tideway.length, row.bare.length], row.name).toEqual([rounds, rounds]);
      expect(Math.min(...row.tideway, ...row.bare), row.name).toBeGreaterThan(0);
      if (!/^round trip.*p50$/.test(row.name)) continue;
      expect(ratioOf(row), `${name}: ${row.name}`).toBeLessThanOrEqual(MOST_RATIO);
    }
  }
  const report = renderReport(groups, QUICK_PLAN, { programs: "", machine: "", date: "" });
  expect(report.match(/^\| /gm)?.length).toBe(3 + groups.flatMap(({ rows }) => rows).length);
});
