import { test as base, type ConsoleMessage, expect, type Page } from "@playwright/test";
import { type LinkShape, SlowLink } from "../../test/chaos/slow-link.ts";
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

/** How a test opens the page. */
interface OpenOptions {
  /** Where, when not at the server itself. */
  readonly port?: number;
  /**
   * What lies between, as a proxy: the network service of Chromium crashes when a WebSocket closes that Chromium's own
   * emulation of a network holds back.
   */
  readonly link?: LinkShape;
  /** What the page may complain of. */
  readonly expected?: RegExp;
}

/** What Chromium itself prints of an attempt to connect that failed. */
export const UNREACHABLE: RegExp =
  /ERR_(CONNECTION_(REFUSED|RESET|CLOSED)|EMPTY_RESPONSE|INTERNET_DISCONNECTED)|before receiving a handshake/;

/** One demo server for the tests of a worker, and pages that may not complain. */
export const test = base.extend<{ openDemo: (options?: OpenOptions) => Promise<Page> }, { demo: Program }>({
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
    const pages: {
      readonly page: Page;
      readonly complaints: Complaints;
      readonly expected: RegExp | undefined;
      readonly slow: SlowLink | undefined;
    }[] = [];
    await use(async ({ port = demo.port, link, expected } = {}) => {
      const context = await browser.newContext();
      const page = await context.newPage();
      const slow = link && (await SlowLink.open(port, link));
      pages.push({ page, complaints: new Complaints(page), expected, slow });
      await page.goto(`http://127.0.0.1:${slow?.port ?? port}`);
      await expect(page.locator("#state")).toHaveText("Open");
      return page;
    });
    for (const { page, complaints, expected, slow } of pages) {
      expect(complaints.except(expected)).toEqual([]);
      await page.context().close();
      await slow?.close();
    }
  },
});

export { expect };

/**
 * Give the page a file to send, so many MiB of noise: one of that size on disk takes Playwright long.
 * @param held - whether its last MiB cannot be read before {@link releaseFile}: until then it is on its way
 */
export function chooseFile(page: Page, mebibytes: number, held = false): Promise<void> {
  return page.locator("#file").evaluate(
    (input: HTMLInputElement, given) => {
      const noise = new Uint8Array(1024 * 1024);
      for (let at = 0; at < noise.length; at += 65_536)
        crypto.getRandomValues(noise.subarray(at, at + 65_536));
      // No two parts are equal: one that comes twice, or in another's place, changes the hash.
      const parts = Array.from({ length: given.mebibytes }, (_, at) => [
        noise.subarray(at),
        noise.subarray(0, at),
      ]).flat();
      const file = new File(parts, "noise.bin");
      if (given.held) {
        const released = new Promise((resolve) => input.addEventListener("release", resolve, { once: true }));
        let read = 0;
        const hold = async (
          chunk: Uint8Array<ArrayBuffer>,
          to: TransformStreamDefaultController<Uint8Array<ArrayBuffer>>,
        ) => {
          read += chunk.length;
          if (read > file.size - noise.length) await released;
          to.enqueue(chunk);
        };
        file.stream = () =>
          Blob.prototype.stream.call(file).pipeThrough(new TransformStream({ transform: hold }));
      }
      const transfer = new DataTransfer();
      transfer.items.add(file);
      input.files = transfer.files;
      if (input.files[0] !== file) throw new Error("The page does not read the file that was made here");
      input.dispatchEvent(new Event("change"));
    },
    { mebibytes, held },
  );
}

/** Let the page read all of its file. */
export function releaseFile(page: Page): Promise<void> {
  return page.locator("#file").dispatchEvent("release");
}

/** Part of the file that has gone up, 0 to 1. */
export function sentPart(page: Page): Promise<number> {
  return page.locator("#up").evaluate((bar: HTMLProgressElement) => bar.value);
}

/** What the timeline shows, without times. */
export async function timelineOf(page: Page): Promise<string[]> {
  const entries = await page.locator("#timeline li > :last-child").allTextContents();
  return entries.map((entry) =>
    entry.replace(/\d+(\.\d+)? m?s\b/g, "T").replace(/[\d.]+ [KM]?i?B\b/g, "N B"),
  );
}

/**
 * Keep every sequence number that the page shows from now on, those included that it shows in one go.
 * @returns what gives them, and ends it.
 */
export async function recordSequences(page: Page): Promise<() => Promise<number[]>> {
  const handle = await page.evaluateHandle(() => {
    const seen: number[] = [];
    const take = (records: readonly MutationRecord[]) => {
      for (const { addedNodes } of records)
        for (const node of addedNodes) seen.push(Number(node.textContent?.replaceAll(",", "")));
    };
    const observer = new MutationObserver(take);
    observer.observe(document.getElementById("sequence") as HTMLElement, { childList: true });
    return { observer, seen };
  });
  return () =>
    handle.evaluate(({ observer, seen }) => {
      observer.disconnect();
      return seen;
    });
}

/** The numbers that follow the first one without a gap. */
export function counted(numbers: readonly number[]): number[] {
  return numbers.map((_, at) => (numbers[0] ?? 0) + at);
}

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
