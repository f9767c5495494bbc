import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ProtocolError } from "../errors.ts";
import { MAX_WINDOW_BYTES } from "../limits.ts";
import { checkCredit, ReceiveWindow, reserveBytes } from "./flow.ts";

describe("ReceiveWindow", () => {
  test("receive() accepts to the last byte of the limit, and not one more", () => {
    const window = new ReceiveWindow(100, 1_000);
    window.receive(60);
    window.receive(40);
    expect(() => window.receive(1)).toThrow(ProtocolError);
    expect(() => window.receive(1)).toThrow("0 bytes of credit are left");
    window.receive(0);
    expect(window.received).toBe(100);
  });

  test("consume() says that a grant is due at half of the window", () => {
    const window = new ReceiveWindow(100, 1_000);
    window.receive(100);
    expect(window.consume(49)).toBe(false);
    expect(window.consume(1)).toBe(true);
    window.grant(1_000, 0, false);
    expect(window.limit).toBe(150);
    expect(window.consume(49)).toBe(false);
    expect(window.consume(1)).toBe(true);
  });

  test("grant() doubles the window when the sender had to wait, up to the most", () => {
    const window = new ReceiveWindow(100, 350);
    window.receive(50);
    window.consume(50);
    window.grant(1_000, 10, false);
    expect(window.window).toBe(100);
    window.grant(1_019, 10, false);
    expect(window.window).toBe(200);
    window.grant(1_039, 10, false);
    expect(window.window).toBe(200);
    window.grant(2_000, 10, true);
    expect(window.window).toBe(350);
    expect(window.limit).toBe(400);
  });

  test("grant() keeps a window that has a speed to what the path holds, and lets go of more", () => {
    const window = new ReceiveWindow(100, 10_000, 50);
    for (let now = 1; now < 8; now++) window.grant(now, 10, false);
    expect(window.window).toBe(500); // 10 ms at 50 bytes a ms
    window.grant(8, 4, false);
    expect(window.window).toBe(200); // twice the first window, though the path holds no more than that
    expect(window.limit).toBeGreaterThanOrEqual(500);
  });

  test("grant() allows more of a short path to who asks for it", () => {
    const window = new ReceiveWindow(100, 10_000, 50);
    for (let now = 1; now < 8; now++) window.grant(now, 1, false);
    expect(window.window).toBe(200);
    for (let now = 8; now < 16; now++) window.grant(now, 1, false, 8);
    expect(window.window).toBe(800);
    window.grant(16, 1, false);
    expect(window.window).toBe(200);
  });

  test("crowded needs bytes that were taken, and more that were not", () => {
    const window = new ReceiveWindow(100, 1_000);
    window.receive(100);
    expect(window.crowded).toBe(false);
    window.consume(49);
    expect(window.crowded).toBe(false);
    window.consume(1);
    expect(window.crowded).toBe(false);
    window.grant(0, 0, false);
    window.receive(50);
    expect(window.crowded).toBe(false);
    window.lend(100);
    window.receive(100);
    window.consume(50);
    expect(window.crowded).toBe(true);
  });

  test("lend() moves in steps of half a window, and in small steps when the sender runs dry", () => {
    const window = new ReceiveWindow(8_192, 8_192);
    window.receive(4_095);
    expect(window.lend(4_095)).toBe(false);
    window.receive(1);
    expect(window.lend(4_096)).toBe(true);
    expect(window.limit).toBe(12_288);
    window.receive(6_145);
    expect(window.limit - window.received).toBeLessThan(2_048);
    expect(window.lend(4_096 + 2_047)).toBe(false);
    expect(window.lend(4_096 + 2_048)).toBe(true);
  });

  test("limit never goes back and is always a window ahead of what was consumed", () => {
    const step = fc.oneof(
      fc.nat(5_000).map((n) => ["receive", n] as const),
      fc.nat(5_000).map((n) => ["consume", n] as const),
      fc.nat(5_000).map((n) => ["lend", n] as const),
      fc.nat(50).map((n) => ["grant", n] as const),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const window = new ReceiveWindow(4_096, 16_384);
        let now = 0;
        for (const [what, n] of steps) {
          const before = window.limit;
          if (what === "receive") window.receive(Math.min(n, window.limit - window.received));
          else if (what === "consume") window.consume(Math.min(n, window.received - window.consumed));
          else if (what === "lend") window.lend(n);
          else {
            now += n;
            window.grant(now, 20, false);
            expect(window.limit).toBeGreaterThanOrEqual(window.consumed + window.window);
          }
          expect(window.limit).toBeGreaterThanOrEqual(before);
          expect(window.received).toBeLessThanOrEqual(window.limit);
          expect(window.window).toBeLessThanOrEqual(16_384);
        }
      }),
      { numRuns: 200, seed: 9 },
    );
  });
});

describe("reserveBytes()", () => {
  test("is half of a small window and a fixed part of a large one", () => {
    expect([0, 4_096, 32_768, 1_048_576].map(reserveBytes)).toEqual([0, 2_048, 16_384, 16_384]);
  });
});

describe("checkCredit()", () => {
  test("accepts what can be", () => {
    checkCredit(0, 100, 50, 0, 100);
    checkCredit(50, 100, 50, 50, 100);
    checkCredit(50, 50 + 2 * MAX_WINDOW_BYTES, 50, 0, 100);
  });

  test.each([
    ["acknowledges what was not sent", [51, 100, 50, 0, 100]],
    ["goes back with what was consumed", [9, 100, 50, 10, 100]],
    ["goes back with the limit", [10, 99, 50, 10, 100]],
    ["gives more than any window", [0, 2 * MAX_WINDOW_BYTES + 1, 50, 0, 100]],
  ])("rejects a credit that %s", (_what, [consumed, limit, sent, acked, granted]) => {
    const check = () =>
      checkCredit(consumed as number, limit as number, sent as number, acked as number, granted as number);
    expect(check).toThrow(ProtocolError);
    try {
      check();
    } catch (error) {
      expect((error as ProtocolError).code).toBe("ERR_FLOW");
    }
  });
});
