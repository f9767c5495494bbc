import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { giveRecord, Parts } from "./parts.ts";

describe("Parts", () => {
  test("take() gives all pieces in order, and begins again", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 20 }), (pieces) => {
        const parts = new Parts();
        const total = pieces.reduce((sum, { length }) => sum + length, 0);
        for (let round = 0; round < 2; round++) {
          for (const piece of pieces) parts.add(piece, total);
          expect(parts.length).toBe(total);
          expect([...parts.take()]).toEqual(pieces.flatMap((piece) => [...piece]));
          expect(parts.length).toBe(0);
        }
      }),
      { numRuns: 300, seed: 11 },
    );
  });

  test("nothing of a piece is kept", () => {
    const parts = new Parts();
    const piece = new Uint8Array([1, 2, 3]);
    parts.add(piece, 100);
    piece.fill(9);
    expect(parts.take()).toEqual(new Uint8Array([1, 2, 3]));
  });

  test("the room is at most four times what is here, and never above the most", () => {
    const parts = new Parts();
    for (let i = 0; i < 3_000; i++) {
      parts.add(new Uint8Array(1 + (i % 90)), 100_000_000);
      expect(parts.room.length).toBeLessThanOrEqual(4 * parts.length);
    }
    for (const most of [1_000, 65_500, 65_536]) {
      const bounded = new Parts();
      for (let left = most; left > 0; left -= 100) bounded.add(new Uint8Array(Math.min(100, left)), most);
      expect(bounded.take().buffer.byteLength).toBe(most);
    }
  });

  test("room for all is made at once when a quarter is here", () => {
    const parts = new Parts();
    parts.add(new Uint8Array(16_400), 65_543);
    expect(parts.room.length).toBe(65_543);
  });

  test("what is taken holds no more than twice its bytes", () => {
    for (const bytes of [5, 17, 1_025, 65_537, 131_071, 131_072, 131_073, 4_194_305]) {
      const parts = new Parts();
      for (let at = 0; at < bytes; at += 65_511)
        parts.add(new Uint8Array(Math.min(65_511, bytes - at)).fill(7), 16_777_216);
      const all = parts.take();
      expect(all.length).toBe(bytes);
      expect(all.every((byte) => byte === 7)).toBe(true);
      expect(all.buffer.byteLength, `${bytes}`).toBeLessThanOrEqual(2 * bytes);
    }
  });

  test("a message of a power of four fills its room", () => {
    const parts = new Parts();
    for (const bytes of [65_505, 65_511, 65_511, 65_511, 106]) parts.add(new Uint8Array(bytes), 16_777_216);
    expect(parts.take().buffer.byteLength).toBe(262_144);
  });

  test("a record that was given back is the next room of its length, and no more room than that is made", () => {
    const given = new Uint8Array(65_536).fill(9);
    giveRecord(given);
    const other = new Parts();
    other.add(new Uint8Array(1_000), 65_536);
    expect(other.room.length).toBe(1_024);
    const parts = new Parts();
    parts.add(new Uint8Array(100).fill(1), 65_536);
    expect(parts.room.buffer).not.toBe(given.buffer);
    parts.add(new Uint8Array(65_436).fill(2), 65_536);
    const all = parts.take();
    expect(all.buffer).toBe(given.buffer);
    expect(all.every((byte, i) => byte === (i < 100 ? 1 : 2))).toBe(true);
    other.add(new Uint8Array(64_536), 65_536);
    expect(other.room.buffer).not.toBe(given.buffer);
  });
});
