import { type Limits, resolveLimits } from "../core/limits.ts";
import type { ResumeLimits } from "../core/resume/resume-registry.ts";
import type { Role } from "../core/streams/stream-table.ts";
import { drawFaults, type FaultKind } from "./faults.ts";
import type { LinkOptions } from "./link.ts";
import type { Random } from "./random.ts";

/** Everything about a run that the seed decides before it begins. */
export interface Configuration {
  readonly faults: ReadonlySet<FaultKind>;
  readonly link: LinkOptions;
  readonly limits: Readonly<Record<Role, Limits>>;
  /** Longest message that is sent often, and the longest at all, bytes. */
  readonly largeBytes: number;
  readonly hugeBytes: number;
  /** Share of messages that are long, up to the longest. */
  readonly hugeShare: number;
  /** Bytes after which only small messages are sent. */
  readonly budgetBytes: number;
  /** Longest time between two operations, ms. */
  readonly gapMs: number;
  /** How long the server thinks about a client, ms. */
  readonly acceptMs: number;
  readonly operations: number;
  /** How a session is carried on over another connection; `undefined` when it is not. */
  readonly resume: ResumeConfiguration | undefined;
  /** Both sides compress records. */
  readonly compresses: boolean;
}

/** What the seed decides about sessions that are carried on. */
export interface ResumeConfiguration {
  /** How long a client tries, ms. */
  readonly resumeMs: number;
  /** Longest time between a loss and the next connection, ms. */
  readonly backoffMs: number;
  /** How long an attempt may take, ms. */
  readonly attemptMs: number;
  /** Clients notice that nothing comes back, and move. */
  readonly watch: boolean;
  readonly registry: ResumeLimits;
  /** Connections that are cut. */
  readonly cuts: number;
  readonly clients: number;
}

/** Lengths of the longest message, bytes; where the windows are narrow, several times as much as they are. */
const HUGE = [2_000, 20_000, 60_000, 200_000];
const NARROW_HUGE = [20_000, 40_000, 60_000];

/**
 * Draw a configuration.
 * @param without - kinds of faults that do not happen; nothing else depends on them
 */
export function drawConfiguration(
  random: Random,
  operations: number,
  without: readonly FaultKind[],
): Configuration {
  const lanes = random.fork(1_000_007);
  const resumable = random.chance(0.85);
  const faults = drawFaults(random, resumable);
  for (const kind of without) faults.delete(kind);
  const messageBoundaries = random.chance(0.5);
  const pieceBytes = random.pick([2, 7, 40, 300, 1_500, 9_000]);
  const maxPieceBytes = faults.has("split") ? pieceBytes : Number.POSITIVE_INFINITY;
  const jitterMs = random.pick([0.5, 5, 60]);
  const bufferBytes = random.pick([1, 512, 4_096, 20_000]);
  const joinChance = random.pick([0.2, 0.8, 0.98]);
  const bytesPerSecond = random.pick([
    Number.POSITIVE_INFINITY,
    Number.POSITIVE_INFINITY,
    20_000_000,
    1_000_000,
    100_000,
  ]);
  const pieceBudget = messageBoundaries ? Number.POSITIVE_INFINITY : maxPieceBytes * 300;
  const bandBudget = bytesPerSecond * 12;
  const narrow = random.chance(0.15);
  const hugeBytes = random.chance(0.01) ? 3_000_000 : random.pick(narrow ? NARROW_HUGE : HUGE);
  return {
    faults,
    link: {
      latencyMs: random.pick([0, 0.5, 5, 30, 120]),
      jitterMs: faults.has("jitter") ? jitterMs : 0,
      bytesPerSecond,
      bufferBytes: faults.has("backpressure") ? bufferBytes : 262_144,
      messageBoundaries,
      maxPieceBytes,
      joinChance: faults.has("join") ? joinChance : 0,
      lanes: lanes.chance(0.2) ? lanes.int(2, 5) : 1,
    },
    limits: {
      client: drawLimits(random, faults.has("forget"), narrow),
      server: drawLimits(random, faults.has("forget"), narrow),
    },
    hugeShare: narrow ? 0.1 : 0.04,
    largeBytes: random.pick([200, 2_000, 20_000]),
    hugeBytes,
    budgetBytes: Math.min(pieceBudget, bandBudget, Math.max(250_000, hugeBytes)),
    gapMs: random.pick([0, 1, 10, 60]),
    acceptMs: random.pick([0, 0, 3, 300]),
    operations,
    resume: resumable ? drawResume(random, faults) : undefined,
    compresses: random.chance(0.3),
  };
}

function drawLimits(random: Random, forgets: boolean, narrow: boolean): Limits {
  const streamWindowBytes = random.pick([4_096, 6_000, 16_384, 65_536, 262_144, 1_048_576]);
  const sessionWindowBytes = random.pick(
    narrow ? [4_096, 10_000] : [4_096, 10_000, 65_536, 262_144, 1_048_576],
  );
  const maxRetainedBytes = random.pick([1_000, 8_000, 60_000]);
  return resolveLimits({
    maxFrameBytes: random.pick([4_096, 5_000, 16_384, 65_536]),
    maxMessageBytes: random.chance(0.1) ? 8_192 : 16_777_216,
    maxStreams: random.pick([16, 16, 20, 128]),
    streamWindowBytes,
    maxStreamWindowBytes: streamWindowBytes * random.pick([1, 4, 32]),
    sessionWindowBytes,
    maxSessionWindowBytes: sessionWindowBytes * random.pick(narrow ? [1, 1, 4] : [1, 4, 16]),
    maxQueuedBytes: random.pick([8_192, 65_536, 8_388_608]),
    maxNames: random.pick([1, 6, 1_024]),
    maxDatagrams: random.pick([2, 256]),
    keepAliveMs: random.pick([2_000, 15_000]),
    stallMs: random.pick([120_000, 120_000, 120_000, 3_000]),
    resetBurst: 10_000,
    ...(forgets ? { maxRetainedBytes } : {}),
  });
}

function drawResume(random: Random, faults: ReadonlySet<FaultKind>): ResumeConfiguration {
  const crowd = faults.has("crowd");
  const maxDetachedBytes = random.pick([4_000, 60_000, 268_435_456]);
  const maxDetached = random.pick([1, 2, 3]);
  const maxDetachedPerPrincipal = random.pick([1, 2]);
  return {
    resumeMs: random.pick([60_000, 60_000, 20_000, 4_000]),
    backoffMs: random.pick([0, 20, 500]),
    attemptMs: random.pick([1_500, 5_000, 5_000]),
    watch: random.chance(0.7),
    registry: {
      keepMs: random.pick([60_000, 60_000, 20_000, 4_000]),
      maxDetached: crowd ? maxDetached : 10_000,
      maxDetachedPerPrincipal: crowd ? maxDetachedPerPrincipal : 16,
      maxDetachedBytes: crowd ? maxDetachedBytes : 268_435_456,
    },
    cuts: random.int(1, 8),
    clients: crowd ? 2 : 1,
  };
}
