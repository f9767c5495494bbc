import { describe, expect, test } from "vitest";
import { KeepAlive } from "./keep-alive.ts";

describe("KeepAlive", () => {
  test("asks a silent peer and gives it up after two questions without an answer", () => {
    const watch = new KeepAlive(0);
    expect(watch.deadline).toBe(Number.POSITIVE_INFINITY);
    watch.start(100, 1_000);
    expect(watch.deadline).toBe(1_100);
    expect(watch.handleTimeout(1_099)).toBe(true);
    expect(watch.pingDue).toBe(false);
    expect(watch.handleTimeout(1_100)).toBe(true);
    expect(watch.pingDue).toBe(true);
    watch.sent(1_100);
    expect(watch.deadline).toBe(1_200);
    expect(watch.handleTimeout(1_200)).toBe(true);
    watch.sent(1_200);
    expect(watch.token).toBe(1);
    expect(watch.handleTimeout(1_300)).toBe(false);
  });

  test("gives up a peer whose transport does not even take the question, without a deadline in the past", () => {
    const watch = new KeepAlive(0);
    watch.start(100, 0);
    for (const now of [100, 200]) {
      expect(watch.handleTimeout(now)).toBe(true);
      expect(watch.deadline).toBe(now + 100);
    }
    expect(watch.handleTimeout(300)).toBe(false);
  });

  test("any bytes are a sign of life", () => {
    const watch = new KeepAlive(0);
    watch.start(100, 0);
    for (let now = 100; now < 2_000; now += 100) {
      watch.handleTimeout(now);
      watch.sent(now);
      watch.heard(1, now + 50);
      expect(watch.handleTimeout(now + 60)).toBe(true);
    }
  });

  test("a timer that comes late asks again before it judges", () => {
    const watch = new KeepAlive(0);
    watch.start(100, 0);
    for (let now = 20_000; now < 200_000; now += 20_000) expect(watch.handleTimeout(now)).toBe(true);
    expect(watch.deadline).toBe(185_000);
    expect(watch.handleTimeout(watch.deadline!)).toBe(false);
  });

  test("probe() takes silence for the end sooner than usual, and any byte for a sign of life", () => {
    const watch = new KeepAlive(0);
    watch.start(15_000, 0);
    watch.probe(1_000);
    expect([watch.pingDue, watch.deadline]).toEqual([true, 6_000]);
    watch.heard(1, 5_999);
    expect(watch.deadline).toBe(20_999);
    watch.probe(6_000);
    expect(watch.handleTimeout(11_000)).toBe(false);
  });

  test("stalled() asks after four round trips without an answer, and says so once after eight more", () => {
    const watch = new KeepAlive(0, true);
    watch.sent(0);
    watch.answered(0, 500);
    watch.heard(1, 500);
    watch.wrote(1_000);
    watch.wrote(1_500);
    expect(watch.deadline).toBe(3_000);
    expect([watch.stalled(2_999), watch.pingDue]).toEqual([false, false]);
    expect([watch.stalled(3_000), watch.pingDue]).toEqual([false, true]);
    expect(watch.deadline).toBe(7_000);
    expect([watch.stalled(7_000), watch.stalled(7_000)]).toEqual([true, false]);
    expect(watch.deadline).toBe(Number.POSITIVE_INFINITY);
    watch.heard(1, 8_000);
    watch.wrote(9_000);
    expect(watch.deadline).toBe(11_000);
    expect(watch.stalled(13_000)).toBe(false);
    // The timer itself came late: this process stood still, and the peer is asked once more.
    expect(watch.stalled(30_000)).toBe(false);
    expect(watch.deadline).toBe(34_000);
  });

  test("measure() leaves an answer the time that it needs", () => {
    const watch = new KeepAlive(0);
    watch.sent(1_000);
    for (let now = 1_500; now < 16_000; now += 500) watch.measure(now);
    expect(watch.pingDue).toBe(false);
    expect(watch.answered(0, 15_000)).toBe(14_000);
    watch.sent(20_000);
    watch.measure(35_000);
    expect(watch.pingDue).toBe(true);
  });

  test("answered() measures, smooths and knows only its own question", () => {
    const watch = new KeepAlive(0);
    expect(watch.answered(0, 10)).toBeUndefined();
    watch.sent(100);
    expect(watch.answered(1, 110)).toBeUndefined();
    expect(watch.answered(0, 110)).toBe(10);
    expect(watch.answered(0, 110)).toBeUndefined();
    expect(watch.roundTripMs).toBe(10);
    watch.sent(200);
    expect(watch.answered(1, 290)).toBe(90);
    expect(watch.roundTripMs).toBe(20);
    watch.sent(300);
    expect(watch.answered(2, 200)).toBe(0);
  });

  test("heard() asks for a measurement after many bytes, not too often", () => {
    const watch = new KeepAlive(0);
    watch.heard(65_535, 1_000);
    expect(watch.pingDue).toBe(false);
    watch.heard(1, 1_000);
    expect(watch.pingDue).toBe(true);
    watch.sent(1_000);
    watch.answered(0, 1_001);
    watch.heard(100_000, 1_400);
    expect(watch.pingDue).toBe(false);
    watch.heard(1, 1_500);
    expect(watch.pingDue).toBe(true);
  });
});
