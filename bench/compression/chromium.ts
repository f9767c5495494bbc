import { launchChromium } from "../chromium.ts";
import type { Bench, Figure } from "../harness.ts";
import { raceMany } from "./algorithms.ts";

type Bundles = typeof import("../../test/runtimes/bundles.ts");

interface Way {
  readonly name: string;
  readonly direction: "compress" | "expand";
  readonly ratio: number;
}

/** What the script of the page has put there. */
interface PageGlobals {
  prepare(kind: string, length: number): Promise<readonly Way[]>;
  work(way: number, count: number): void;
}

/** What P14 asks of LZ4 in a page, MB/s: into fresh memory as well as into one array. */
const P14: Readonly<Record<"compress" | "expand", number>> = { compress: 250, expand: 800 };

/** The CPU time of a process is told in steps of 10 ms. */
const RUN_MS = 250;
const QUICK_RUN_MS = 60;

const SIZES = [
  ["64 KiB", 65_536],
  ["1 MiB", 1_048_576],
] as const;

function toFigure({ direction, name, ratio }: Way, size: string, length: number, rates: number[]): Figure {
  return {
    id: "P14",
    name: `Chromium, json, ${size}: ${name} (${ratio.toFixed(2)} : 1), ${direction}`,
    unit: "MB/s",
    better: "higher",
    samples: rates.map((rate) => (rate * length) / 1e6),
    ...(name.startsWith("lz4, WASM") && size === "1 MiB" ? { target: { value: P14[direction] } } : {}),
  };
}

/** P14 in a page of Chromium; there is no peer, only the TypeScript beside the WASM. In CPU time of its process. */
export const inChromium: Bench = {
  id: "P14",
  async run(plan) {
    const { bundle }: Bundles = await import("../../test/runtimes/bundles.ts");
    const script = await bundle("bench/compression/page.ts", "browser");
    const browser = await launchChromium();
    try {
      const page = await browser.newPage();
      await page.addScriptTag({ path: script, type: "module" });
      await page.waitForFunction(() => "prepare" in globalThis);
      const session = await page.context().newCDPSession(page);
      await session.send("Performance.enable");
      const cpuMs = async () => {
        const { metrics } = await session.send("Performance.getMetrics");
        return (metrics.find(({ name }) => name === "ProcessTime")?.value ?? Number.NaN) * 1_000;
      };
      const figures: Figure[] = [];
      for (const [size, length] of plan.quick ? SIZES.slice(1) : SIZES) {
        const ways = await page.evaluate(
          (bytes) => (globalThis as unknown as PageGlobals).prepare("json", bytes),
          length,
        );
        const works = ways.map((_, way) => async (count: number) => {
          const before = await cpuMs();
          await page.evaluate(([which, times]) => (globalThis as unknown as PageGlobals).work(which, times), [
            way,
            count,
          ] as const);
          return (await cpuMs()) - before;
        });
        const rates = await raceMany(plan, works, plan.quick ? QUICK_RUN_MS : RUN_MS);
        for (const [i, way] of ways.entries()) figures.push(toFigure(way, size, length, rates[i] ?? []));
      }
      return figures;
    } finally {
      await browser.close();
    }
  },
};
