import { describe, expect, it } from "vitest";
import { disperse, gather, pause, withSite } from "../../bench/scenarios/audience.ts";
import { FeedCounter } from "../../bench/scenarios/feeds/feed.ts";
import { withStages } from "../../bench/scenarios/stage.ts";

describe("the audience of the scenarios", () => {
  for (const kind of ["tideway", "ws"] as const) {
    it(`hears every message of ${kind} once, but for one that does not read`, {
      timeout: 60_000,
    }, async () => {
      await withSite(async (site) => {
        let heard = 0;
        const deaf = await gather(site, kind, 1);
        const all = await gather(site, kind, 5, (message) => {
          expect(message.length).toBe(256);
          heard++;
        });
        expect(await site.server.ask("listeners", kind)).toBe(6);
        await site.server.ask("publish", { kind, count: 20, bytes: 256, everyMs: 1 });
        for (let i = 0; i < 500 && heard < 100; i++) await pause(10);
        expect(heard).toBe(100);
        await disperse(site, kind, [...deaf, ...all]);
        expect(await site.server.ask("listeners", kind)).toBe(0);
      });
    });
  }
});

describe("a load on many connections", () => {
  for (const kind of ["tideway", "ws"] as const) {
    it(`of ${kind} keeps its schedule and hears every echo`, { timeout: 60_000 }, async () => {
      await withStages(1, async ([stage]) => {
        await stage!.open(kind, 20);
        const all = await stage!.load({ active: 20, perSecond: 10, ms: 500 });
        expect(all.count).toBe(100);
        expect(all.p99).toBeGreaterThanOrEqual(all.p50);
        expect(all.cpuUs).toBeGreaterThan(0);
        expect(all.cores).toBeLessThan(2);
        expect((await stage!.load({ active: 2, perSecond: 50, ms: 200 })).count).toBe(20);
      });
    });
  }
});

describe("FeedCounter", () => {
  it("tells what is lost, what comes twice and what comes late, and the longest silence", () => {
    const counter = new FeedCounter();
    for (const [number, now] of [
      [0, 100],
      [1, 101],
      [4, 151],
      [3, 152],
      [4, 153],
      [6, 163],
    ] as const) {
      counter.add(number, now);
    }
    expect(counter.report()).toEqual({ arrived: 5, twice: 1, late: 1, ms: 63, silenceMs: 50 });
  });
});
