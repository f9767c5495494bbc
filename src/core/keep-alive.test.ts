import { describe, expect, test } from "vitest";
import { KeepAlive } from "./keep-alive.ts";

describe("KeepAlive", () => {
  test("asks a silent peer and gives it up after two questions without an answer", () => {
    const watch = new KeepAlive(0);
    expect(watch.deadline).toBeUndefined();
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
    for (let now = 5_000; now < 50_000; now += 5_000) expect(watch.handleTimeout(now)).toBe(true);
    expect(watch.handleTimeout(watch.deadline!)).toBe(true);
    expect(watch.handleTimeout(watch.deadline!)).toBe(false);
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
