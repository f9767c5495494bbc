import type { ChannelKind } from "tideway/channels";
import { Random } from "../../../src/testing/random.ts";
import type { FORMATS } from "./job.ts";

/** What one run is: its seed says everything. */
export interface StressPlan {
  readonly seed: number;
  readonly kind: ChannelKind;
  readonly style: keyof typeof FORMATS;
  readonly capacity: number;
  readonly senders: number;
  readonly receivers: number;
  readonly start: number;
}

const KINDS: readonly ChannelKind[] = ["spsc", "mpsc", "mpmc"];
const STYLES: readonly StressPlan["style"][] = ["struct", "coded"];
/** The position in front of which the sign of positions changes. */
const SIGN = 0x7fff_ffff;
/** Rings that are run from each of their positions have as many, or less. */
const MOST_POSITIONS = 16;

/** Powers of two that a ring's capacity may be: slots, or bytes. */
function sizesOf(
  kind: ChannelKind,
  style: StressPlan["style"],
): { readonly least: number; readonly most: number } {
  return kind === "spsc" && style === "coded" ? { least: 8, most: 16 } : { least: 1, most: 12 };
}

function drawEnds(random: Random, kind: ChannelKind): Pick<StressPlan, "senders" | "receivers"> {
  return {
    senders: kind === "spsc" ? 1 : random.int(1, 3),
    receivers: kind === "mpmc" ? random.int(1, 3) : 1,
  };
}

/** Draw a run: its kind, sizes, and where its positions begin, often near the wrap. */
export function planOf(seed: number): StressPlan {
  const random = new Random(seed);
  const kind = random.pick(KINDS);
  const style = random.pick(STYLES);
  const { least, most } = sizesOf(kind, style);
  return {
    seed,
    kind,
    style,
    capacity: 2 ** random.int(least, most),
    ...drawEnds(random, kind),
    start: random.pick([0, -1, -random.int(1, 5_000), SIGN - random.int(0, 5_000)]),
  };
}

/**
 * Every kind of ring with every style and every size, each from positions that wrap in the first round, and in the second
 * one, and whose sign changes: small rings from each position of the last round. Ends are drawn.
 */
export function everyPlan(seed: number): StressPlan[] {
  const random = new Random(seed);
  const plans: StressPlan[] = [];
  for (const kind of KINDS) {
    for (const style of STYLES) {
      const { least, most } = sizesOf(kind, style);
      for (let size = least; size <= most; size++) {
        const capacity = 2 ** size;
        for (const start of startsOf(random, capacity, kind === "spsc" && style === "coded" ? 4 : 1))
          plans.push({ seed, kind, style, capacity, ...drawEnds(random, kind), start });
      }
    }
  }
  return plans;
}

/** @param unit - positions are multiples of it */
function startsOf(random: Random, capacity: number, unit: number): number[] {
  const positions = capacity / unit;
  const last =
    positions <= MOST_POSITIONS * unit
      ? Array.from({ length: positions }, (_, back) => -(back + 1) * unit)
      : [-unit, -random.int(2, positions - 1) * unit, -capacity];
  return [0, ...last, -capacity - random.int(1, positions) * unit, SIGN - random.int(0, capacity)];
}

/**
 * Share of a run's messages in those of all runs: a ring of few slots has its threads take turns at each batch, and a
 * codec's own work is most of a coded message. Each ring still goes round many hundred times.
 */
export function shareOf({ kind, style, capacity }: StressPlan): number {
  const slots = kind === "spsc" && style === "coded" ? capacity / 64 : capacity;
  const small = slots >= 256 ? 1 : slots >= 32 ? 0.1 : 0.02;
  return style === "coded" ? small / 10 : small;
}
