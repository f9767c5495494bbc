import { describe, expect, test } from "vitest";
import { HEADER_BYTES, readLayout, Word } from "../../../src/channels/layout.ts";
import { ProtocolError, WireError } from "../../../src/index.ts";
import { Random } from "../../../src/testing/index.ts";
import { createChannel, fixedBytes, openSender } from "../../../src/threads/channels.ts";
import { garbage, KINDS, MAX_BYTES, MESSAGE, openTarget, STYLES, spoil, use } from "./cases.ts";

describe.each(KINDS)("%s: a peer that writes garbage into shared memory", { timeout: 120_000 }, (kind) => {
  test.each(STYLES)("%s: gives a typed error, and nothing is read past its place", (style) => {
    let refused = 0;
    for (let seed = 0; seed < 1_500; seed++) {
      const random = new Random(seed);
      const target = openTarget(kind, style);
      const { memory, sender, receiver } = target;
      use(target, random);
      spoil(new Int32Array(memory), readLayout(memory), random);
      try {
        use(target, random);
        use(target, random);
      } catch (error) {
        expect(error).toBeInstanceOf(WireError);
        if (error instanceof ProtocolError) {
          refused++;
          expect(() => receiver.tryReceive()).toThrow(WireError);
          expect(() => sender.trySend(MESSAGE)).toThrow(WireError);
        }
      }
    }
    expect(refused).toBeGreaterThan(50);
  });
});

describe("memory that holds no channel", () => {
  test("is refused before anything is read or written by it", () => {
    const format = fixedBytes(MAX_BYTES);
    expect(() => openSender(new SharedArrayBuffer(8), format)).toThrow(ProtocolError);
    expect(() => openSender(new SharedArrayBuffer(4_096), format)).toThrow(ProtocolError);
    let refused = 0;
    for (let seed = 0; seed < 3_000; seed++) {
      const random = new Random(seed);
      const buffer = createChannel({ kind: random.pick(KINDS), format, capacity: 8 });
      const words = new Int32Array(buffer);
      const index = random.int(0, Word.START);
      words[index] = garbage(random, words[index] as number);
      try {
        const layout = readLayout(buffer);
        expect(HEADER_BYTES + layout.capacity * layout.stride).toBeLessThanOrEqual(buffer.byteLength);
      } catch (error) {
        expect(error).toBeInstanceOf(ProtocolError);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(1_500);
  });
});
