import { describe, expect, test } from "vitest";
import { HEADER_BYTES, readLayout, Word } from "../../src/channels/layout.ts";
import { ProtocolError, WireError } from "../../src/index.ts";
import { Random } from "../../src/testing/index.ts";
import {
  type ChannelKind,
  coded,
  createChannel,
  fixedBytes,
  openReceiver,
  openSender,
} from "../../src/threads/channels.ts";

const KINDS: readonly ChannelKind[] = ["spsc", "mpsc", "mpmc"];
const MAX_BYTES = 40;
/** Bytes as they are: gives back how long each message was. */
const bytes = {
  name: "raw",
  encode: (value: Uint8Array<ArrayBuffer>) => value,
  decode: (value: Uint8Array<ArrayBuffer>) => value,
};
const FORMATS = { coded: coded(bytes, MAX_BYTES), fixed: fixedBytes(MAX_BYTES) };

/** A number that a control word may be made of: near what it was, near the edges, anything. */
function garbage(random: Random, before: number): number {
  const kinds = [
    () => before + random.int(-8, 8),
    () => random.pick([0, -1, 1, 0x7fff_ffff, -0x8000_0000, 768, 1_024]),
    () => random.int(-0x8000_0000, 0x7fff_ffff),
    () => before + random.int(-3_000, 3_000),
  ];
  return random.pick(kinds)();
}

describe.each(KINDS)("%s: a peer that writes garbage into shared memory", { timeout: 120_000 }, (kind) => {
  test.each(Object.keys(FORMATS) as (keyof typeof FORMATS)[])(
    "%s: gives a typed error, and nothing is read past its place",
    (style) => {
      const format = FORMATS[style];
      let refused = 0;
      for (let seed = 0; seed < 1_500; seed++) {
        const random = new Random(seed);
        const capacity = style === "coded" && kind === "spsc" ? { capacityBytes: 256 } : { capacity: 8 };
        const buffer = createChannel<Uint8Array>({
          kind,
          format: format as typeof FORMATS.fixed,
          ...capacity,
        });
        const sender = openSender<Uint8Array>(buffer, format as typeof FORMATS.fixed);
        const receiver = openReceiver<Uint8Array>(buffer, format as typeof FORMATS.fixed);
        const words = new Int32Array(buffer);
        const message = new Uint8Array(MAX_BYTES).fill(7);
        const use = () => {
          for (let i = 0; i < 12; i++) {
            if (random.chance(0.6)) sender.trySend(message);
            else {
              const got = receiver.tryReceive();
              if (got !== undefined) expect(got.length).toBeLessThanOrEqual(MAX_BYTES);
            }
          }
          const got = receiver.tryReceiveBatch(20);
          expect(got.length).toBeLessThanOrEqual(20);
          using lease = receiver.tryLease(8);
          for (let i = 0; i < (lease?.count ?? 0); i++) {
            expect(lease?.bytes(i).length).toBeLessThanOrEqual(MAX_BYTES);
          }
          sender.stats();
          receiver.stats();
        };
        use();
        const { stride } = readLayout(buffer);
        const cell = (HEADER_BYTES + random.int(0, 7) * stride) >> 2;
        const cells = [
          () => random.int(HEADER_BYTES >> 2, words.length - 1),
          () => Math.min(cell + random.int(0, 2), words.length - 1), // sequence number, length of the run, length
        ];
        const isWord = random.chance(kind === "spsc" ? 0.7 : 0.4);
        const index = isWord ? random.pick(Object.values(Word)) : random.pick(cells)();
        words[index] = garbage(random, words[index] as number);
        try {
          use();
          use();
        } catch (error) {
          expect(error).toBeInstanceOf(WireError);
          if (error instanceof ProtocolError) {
            refused++;
            expect(() => receiver.tryReceive()).toThrow(WireError);
            expect(() => sender.trySend(message)).toThrow(WireError);
          }
        }
      }
      expect(refused).toBeGreaterThan(50);
    },
  );
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
