import { type Limits, resolveLimits } from "../core/limits.ts";
import type { Role } from "../core/stream-table.ts";
import type { LinkOptions } from "./link.ts";
import type { Random } from "./random.ts";

/** What can go wrong in a run. Each seed has some of them switched on. */
export const FAULT_KINDS = [
  "split",
  "join",
  "jitter",
  "backpressure",
  "stall",
  "longStall",
  "slowdown",
  "hostFreeze",
  "slowReader",
  "readerStall",
  "reset",
  "stop",
  "goAway",
  "cut",
  "halfOpen",
  "close",
  "reject",
] as const;

/** One of {@link FAULT_KINDS}. */
export type FaultKind = (typeof FAULT_KINDS)[number];

/** The kinds that end a connection: at most one of them in a run. */
const TERMINAL: readonly FaultKind[] = ["cut", "cut", "cut", "halfOpen", "close", "reject"];

/** Everything about a run that the seed decides before it begins. */
export interface Configuration {
  readonly faults: ReadonlySet<FaultKind>;
  readonly link: LinkOptions;
  readonly limits: Readonly<Record<Role, Limits>>;
  /** Longest message that is sent often, and the longest at all, bytes. */
  readonly largeBytes: number;
  readonly hugeBytes: number;
  /** Bytes after which only small messages are sent. */
  readonly budgetBytes: number;
  /** Longest time between two operations, ms. */
  readonly gapMs: number;
  /** How long the server thinks about a client, ms. */
  readonly acceptMs: number;
  readonly operations: number;
}

/** Draw a configuration. */
export function drawConfiguration(random: Random, operations: number): Configuration {
  const faults = drawFaults(random);
  const messageBoundaries = random.chance(0.5);
  const maxPieceBytes = faults.has("split")
    ? random.pick([2, 7, 40, 300, 1_500, 9_000])
    : Number.POSITIVE_INFINITY;
  const bytesPerSecond = random.pick([
    Number.POSITIVE_INFINITY,
    Number.POSITIVE_INFINITY,
    20_000_000,
    1_000_000,
    100_000,
  ]);
  const pieceBudget = messageBoundaries ? Number.POSITIVE_INFINITY : maxPieceBytes * 300;
  const bandBudget = bytesPerSecond * 12;
  const hugeBytes = random.chance(0.01) ? 3_000_000 : random.pick([2_000, 20_000, 60_000, 200_000]);
  return {
    faults,
    link: {
      latencyMs: random.pick([0, 0.5, 5, 30, 120]),
      jitterMs: faults.has("jitter") ? random.pick([0.5, 5, 60]) : 0,
      bytesPerSecond,
      bufferBytes: faults.has("backpressure") ? random.pick([1, 512, 4_096, 20_000]) : 262_144,
      messageBoundaries,
      maxPieceBytes,
      joinChance: faults.has("join") ? random.pick([0.2, 0.8, 0.98]) : 0,
    },
    limits: { client: drawLimits(random), server: drawLimits(random) },
    largeBytes: random.pick([200, 2_000, 20_000]),
    hugeBytes,
    budgetBytes: Math.min(pieceBudget, bandBudget, Math.max(250_000, hugeBytes)),
    gapMs: random.pick([0, 1, 10, 60]),
    acceptMs: random.pick([0, 0, 3, 300]),
    operations,
  };
}

function drawFaults(random: Random): Set<FaultKind> {
  const faults = new Set<FaultKind>();
  for (const kind of FAULT_KINDS) {
    const probability = kind === "longStall" || kind === "goAway" ? 0.15 : 0.5;
    if (random.chance(probability) && !TERMINAL.includes(kind)) faults.add(kind);
  }
  const terminal = random.pick(TERMINAL);
  if (random.chance(terminal === "reject" ? 0.2 : 0.5)) faults.add(terminal);
  return faults;
}

function drawLimits(random: Random): Limits {
  const streamWindowBytes = random.pick([4_096, 6_000, 16_384, 65_536, 262_144, 1_048_576]);
  const sessionWindowBytes = random.pick([4_096, 10_000, 65_536, 262_144, 1_048_576]);
  return resolveLimits({
    maxFrameBytes: random.pick([4_096, 5_000, 16_384, 65_536]),
    maxMessageBytes: random.chance(0.1) ? 8_192 : 16_777_216,
    maxStreams: random.pick([16, 16, 20, 128]),
    streamWindowBytes,
    maxStreamWindowBytes: streamWindowBytes * random.pick([1, 4, 32]),
    sessionWindowBytes,
    maxSessionWindowBytes: sessionWindowBytes * random.pick([1, 4, 16]),
    maxQueuedBytes: random.pick([8_192, 65_536, 8_388_608]),
    maxNames: random.pick([1, 6, 1_024]),
    maxDatagrams: random.pick([2, 256]),
    keepAliveMs: random.pick([2_000, 15_000]),
    stallMs: random.pick([120_000, 120_000, 120_000, 3_000]),
    resetBurst: 10_000,
  });
}
