import type { Bytes } from "../../src/core/bytes.ts";

/** Numbers that follow from a seed. */
class Numbers {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0 || 1;
  }

  /** A whole number below `most`. */
  below(most: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % most;
  }
}

type Fill = (bytes: Bytes, numbers: Numbers) => void;

const WORDS = "stream frame record window credit lane codec session resume token limit error".split(" ");
const LEVELS = ["debug", "info", "warn", "error"];

function text(line: (numbers: Numbers, count: number) => string): Fill {
  return (bytes, numbers) => {
    let all = "";
    for (let count = 0; all.length < bytes.length; count++) all += line(numbers, count);
    new TextEncoder().encodeInto(all, bytes);
  };
}

function filled(of: (numbers: Numbers, at: number, bytes: Bytes) => number): Fill {
  return (bytes, numbers) => {
    for (let at = 0; at < bytes.length; at++) bytes[at] = of(numbers, at, bytes);
  };
}

/** Kinds of data that a stream may carry, good and bad to compress. */
export const KINDS: Readonly<Record<string, Fill>> = {
  zeros: () => {},
  noise: filled((numbers) => numbers.below(256)),
  "few values": filled((numbers) => numbers.below(4)),
  "short period": filled((_, at) => [7, 8, 9][at % 3] as number),
  runs: (bytes, numbers) => {
    for (let at = 0; at < bytes.length; ) {
      const end = at + 1 + numbers.below(400);
      bytes.fill(numbers.below(256), at, end);
      at = end;
    }
  },
  "far repeats": (bytes, numbers) => {
    filled((own) => own.below(256))(bytes, numbers);
    const distance = 65_500 + numbers.below(80);
    if (bytes.length > distance) bytes.copyWithin(distance, 0);
  },
  json: text(
    (numbers, count) =>
      `{"id":${count},"level":"${LEVELS[numbers.below(4)]}","ms":${numbers.below(900)},` +
      `"path":"/api/v1/items/${numbers.below(5_000)}","text":"${WORDS[numbers.below(WORDS.length)]} ` +
      `${WORDS[numbers.below(WORDS.length)]}","user":"user${numbers.below(1_000)}"}\n`,
  ),
  logs: text(
    (numbers, count) =>
      `2026-11-21T09:${String(count % 60).padStart(2, "0")}:00.${numbers.below(1_000)}Z ` +
      `${LEVELS[numbers.below(4)]} ${WORDS[numbers.below(WORDS.length)]}: took ${numbers.below(9_000)} us\n`,
  ),
  binary: (bytes, numbers) => {
    // Records of 24 bytes: a counter, a time, two prices that move little.
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    let price = 1_000_000;
    for (let at = 0; at + 24 <= bytes.length; at += 24) {
      price += numbers.below(21) - 10;
      view.setUint32(at, at / 24, true);
      view.setFloat64(at + 4, 1_700_000_000 + at, true);
      view.setUint32(at + 12, price, true);
      view.setUint32(at + 16, price + numbers.below(5), true);
      view.setUint16(at + 20, numbers.below(16), true);
    }
  },
};

/** Data of a kind. The same seed gives the same bytes everywhere. */
export function makeInput(kind: string, length: number, seed: number): Bytes {
  const bytes: Bytes = new Uint8Array(length);
  (KINDS[kind] as Fill)(bytes, new Numbers(seed * 7_919 + length + 1));
  return bytes;
}

/** Longest lengths of one input after the other, bytes. */
const LENGTHS = [16, 64, 150, 300, 300, 600, 1_200, 1_200, 2_400, 5_000];

/** One of many inputs: every kind in turn, mostly short; one in 80 is up to as long as two records. */
export function inputOf(index: number): { readonly kind: string; readonly bytes: Bytes } {
  const kinds = Object.keys(KINDS);
  const numbers = new Numbers(index + 1);
  const most = index % 80 === 79 ? 140_000 : (LENGTHS[index % LENGTHS.length] as number);
  const kind = kinds[index % kinds.length] as string;
  return { kind, bytes: makeInput(kind, numbers.below(most), index) };
}
