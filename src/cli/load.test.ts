import { describe, expect, it } from "vitest";
import { TimeHistogram } from "./latency.ts";
import { Load, type LoadPlan } from "./load.ts";

const PLAN: LoadPlan = { rate: 1_000, durationMs: 200, inFlight: 10, drainMs: 500 };

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

describe("Load", () => {
  it("makes each call of the schedule once, over the connections in turn", async () => {
    const made = [0, 0, 0];
    const calls = made.map((_, index) => async () => {
      made[index] = made[index]! + 1;
    });
    const load = new Load(PLAN, calls);
    await load.run();
    expect(made).toEqual([67, 67, 66]);
    expect(load.counts).toMatchObject({ scheduled: 200, sent: 200, answered: 200, failed: 0, unanswered: 0 });
  });

  it("never has more calls under way on a connection than it may", async () => {
    let underWay = 0;
    let most = 0;
    const call = async () => {
      most = Math.max(most, ++underWay);
      await pause(20);
      underWay--;
    };
    const load = new Load({ ...PLAN, inFlight: 3 }, [call]);
    await load.run();
    expect(most).toBe(3);
    // 3 calls in 20 ms are 150 a second for 1,000 that are due: the rest has waited in vain.
    expect(load.counts.unanswered).toBeGreaterThan(50);
    expect(load.counts.answered + load.counts.unanswered).toBe(200);
    expect(load.latency.count).toBe(200);
  });

  it("counts failures by code, and goes on", async () => {
    let made = 0;
    const call = async () => {
      if (made++ % 2 === 0) throw Object.assign(new Error("no"), { code: "ERR_OVERLOADED" });
    };
    const load = new Load(PLAN, [call]);
    await load.run();
    expect(load.counts).toMatchObject({ answered: 100, failed: 100, errors: { ERR_OVERLOADED: 100 } });
  });

  it("measures from the schedule: calls that wait for a slow one count with their waiting", async () => {
    let made = 0;
    const call = () => (made++ === 50 ? pause(100) : pause(0));
    const load = new Load({ ...PLAN, inFlight: 1, drainMs: 2_000 }, [call]);
    await load.run();
    expect(load.counts.answered).toBe(200);
    expect(load.service.percentile(90)).toBeLessThan(50);
    expect(load.latency.percentile(90)).toBeGreaterThan(50);
  });

  it("ends early when it is asked to, with what there is", async () => {
    const stop = new AbortController();
    const load = new Load({ ...PLAN, durationMs: 60_000 }, [async () => {}]);
    setTimeout(() => stop.abort(), 100);
    await load.run(stop.signal);
    const { scheduled, answered } = load.counts;
    expect(answered).toBe(scheduled);
    expect(scheduled).toBeLessThan(5_000);
  });
});

describe("TimeHistogram", () => {
  it("keeps three digits", () => {
    const times = new TimeHistogram();
    for (let ms = 1; ms <= 1_000; ms++) times.record(ms);
    expect(times.percentile(50)).toBeCloseTo(500, -1);
    expect(times.percentile(99)).toBeCloseTo(990, -1);
    expect(times.summary()).toMatchObject({ count: 1_000 });
    expect(times.summary().max).toBeCloseTo(1_000, -1);
  });

  it("has zeros when it is empty, and takes what is out of range", () => {
    const times = new TimeHistogram();
    expect(times.summary()).toEqual({ count: 0, min: 0, mean: 0, p50: 0, p90: 0, p99: 0, p999: 0, max: 0 });
    times.record(-1);
    times.record(1e12);
    expect(times.count).toBe(2);
  });
});
