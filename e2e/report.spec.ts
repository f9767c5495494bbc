import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, test } from "@playwright/test";
import { toHtml } from "../bench/report-page/html.ts";
import type { SavedRun } from "../bench/saved.ts";

const COMMON = { group: "peers", id: "P6", name: "unary calls", unit: "calls/s", better: "higher" } as const;
const RUN: SavedRun = {
  date: "2026-11-21T10:00:00.000Z",
  runtime: "Node 20",
  versions: { ws: "8" },
  quick: true,
  figures: [
    { ...COMMON, samples: [9, 10, 11], peer: { name: "ws", samples: [2, 2, 2], configuration: "bare" } },
    {
      ...COMMON,
      samples: [9, 10, 11],
      peer: { name: "socket.io", samples: [1, 1, 1] },
      target: { ratio: 20 },
    },
    {
      group: "core",
      id: "P1",
      name: "header",
      unit: "ns",
      better: "lower",
      samples: [5],
      target: { value: 12 },
    },
    {
      group: "curves",
      id: "C1",
      name: "growth",
      unit: "times",
      better: "lower",
      samples: [1.2],
      curve: { xName: "calls", unit: "ns", xs: [1, 10, 100], costs: [10, 12, 11] },
    },
  ],
};

let folder = "";
test.beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "tideway-report-"));
});
test.afterAll(() => rmSync(folder, { recursive: true, force: true }));

for (const colorScheme of ["light", "dark"] as const) {
  test(`the page of a report draws a chart for each subject, ${colorScheme}`, async ({ page }) => {
    const problems: string[] = [];
    page.on("pageerror", (error) => problems.push(error.message));
    const path = join(folder, "report.html");
    writeFileSync(path, await toHtml(RUN));
    await page.emulateMedia({ colorScheme });
    await page.goto(pathToFileURL(path).href);
    await expect(page.locator(".card")).toHaveCount(3);
    await expect(page.locator(".card").first()).toContainText("socket.io: 1 calls/s");
    await expect(page.locator(".card .missed")).toHaveText("target >= 20 x socket.io: not met");
    await expect(page.locator(".card .met")).toHaveCount(1);
    await expect(page.locator(".verdicts tr")).toHaveCount(21);
    await expect(page.locator(".verdicts .met")).toHaveText(["met (quick)"]);
    // Both colours of the bars are on the canvas.
    const colors = await page.locator("canvas").first().evaluate(countColors);
    expect(colors).toBeGreaterThan(3);
    expect(await page.locator("canvas").last().evaluate(countColors)).toBeGreaterThan(1);
    await page.locator(".card").last().scrollIntoViewIfNeeded();
    expect(problems).toEqual([]);
  });
}

/** How many colours a chart has that fill more than a line would. */
function countColors(canvas: HTMLElement | SVGElement): number {
  const { width, height } = canvas as HTMLCanvasElement;
  const data = (canvas as HTMLCanvasElement).getContext("2d")?.getImageData(0, 0, width, height).data ?? [];
  const seen = new Map<string, number>();
  for (let at = 0; at < data.length; at += 4) {
    const color = `${data[at]},${data[at + 1]},${data[at + 2]},${data[at + 3]}`;
    seen.set(color, (seen.get(color) ?? 0) + 1);
  }
  return [...seen.values()].filter((count) => count > 200).length;
}
