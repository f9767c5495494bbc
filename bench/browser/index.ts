import { FULL_PLAN, measureAll, type Plan, type Row } from "../../e2e/latency/measure.ts";
import { launchChromium } from "../chromium.ts";
import type { Bench, Figure } from "../harness.ts";

/** A look: the least that says something of a p50. */
const QUICK_PLAN: Plan = { rounds: 3, warmUp: 80, echoes: 40, transferMs: 30, busyMs: 40 };

/** P17: round trips in a page of Chromium, against the bare API of the browser in the same page. */
const latency: Bench = {
  id: "P17",
  async run({ quick }) {
    const browser = await launchChromium();
    try {
      const groups = await measureAll(browser, quick ? QUICK_PLAN : FULL_PLAN, () => {});
      return groups.flatMap(({ name, rows }) => rows.map((row) => toFigure(name, row)));
    } finally {
      await browser.close();
    }
  },
};

/** What is measured in a browser. */
export const BROWSER: readonly Bench[] = [latency];

function toFigure(group: string, { name, unit, tideway, bare, target }: Row): Figure {
  return {
    id: "P17",
    name: `${group}: ${name}`,
    unit,
    better: unit === "ms" ? "lower" : "higher",
    samples: tideway,
    peer: { name: "bare API", samples: bare },
    ...(target === undefined ? {} : { target: { ratio: Number((1 / target).toFixed(3)) } }),
  };
}
