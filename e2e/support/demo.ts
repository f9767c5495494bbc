import { test as base, type ConsoleMessage, expect, type Page } from "@playwright/test";
import { type Program, startProgram } from "./program.ts";

/** Entry of the demo. */
export const DEMO = "demo/main.ts";

/** What a page has complained of: errors, warnings, and what its security policy refused. */
export class Complaints {
  readonly #seen: string[] = [];

  constructor(page: Page) {
    page.on("console", (message: ConsoleMessage) => {
      if (["error", "warning"].includes(message.type())) this.#seen.push(message.text());
    });
    page.on("pageerror", (error) => this.#seen.push(String(error)));
  }

  /** All but those that `expected` matches. */
  except(expected?: RegExp): readonly string[] {
    return this.#seen.filter((text) => expected?.test(text) !== true);
  }
}

/** One demo server for the tests of a worker, and pages that may not complain. */
export const test = base.extend<{ openDemo: () => Promise<Page> }, { demo: Program }>({
  demo: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the names of fixtures from the pattern
    async ({}, use) => {
      const demo = await startProgram(DEMO);
      await use(demo);
      const left = await demo.stop();
      expect(left, "files that the demo left behind").toEqual([]);
    },
    { scope: "worker" },
  ],

  openDemo: async ({ browser, demo }, use) => {
    const pages: { readonly page: Page; readonly complaints: Complaints }[] = [];
    await use(async () => {
      const context = await browser.newContext();
      const page = await context.newPage();
      pages.push({ page, complaints: new Complaints(page) });
      await page.goto(demo.url);
      await expect(page.locator("#state")).toHaveText("Open");
      return page;
    });
    for (const { page, complaints } of pages) {
      expect(complaints.except()).toEqual([]);
      await page.context().close();
    }
  },
});

export { expect };

/** Sequence numbers that the page shows, `count` of them in a row. */
export function nextSequences(page: Page, count: number): Promise<number[]> {
  return page.evaluate(
    (wanted) =>
      new Promise<number[]>((resolve) => {
        const target = document.getElementById("sequence") as HTMLElement;
        const seen: number[] = [];
        const observer = new MutationObserver(() => {
          seen.push(Number(target.textContent?.replaceAll(",", "")));
          if (seen.length < wanted) return;
          observer.disconnect();
          resolve(seen);
        });
        observer.observe(target, { childList: true, characterData: true, subtree: true });
      }),
    count,
  );
}

/** The `part` quantile of some numbers. */
export function percentile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}
