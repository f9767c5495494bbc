import type { Random } from "./random.ts";

/** What can go wrong in a run. Each seed has some of them switched on. */
export const FAULT_KINDS = [
  // Bytes and time.
  "split",
  "join",
  "jitter",
  "backpressure",
  "stall",
  "longStall",
  "slowdown",
  "hostFreeze",
  "suspend",
  "pause",
  // Applications.
  "slowReader",
  "readerStall",
  "reset",
  "stop",
  "goAway",
  // Ends of connections.
  "cut",
  "handshakeCut",
  "rotateCut",
  "halfOpen",
  "close",
  "reject",
  // Connections that follow one another.
  "migrate",
  "badMigrate",
  "duplicate",
  "restart",
  "away",
  "forget",
  "crowd",
  "thief",
] as const;

/** One of {@link FAULT_KINDS}. */
export type FaultKind = (typeof FAULT_KINDS)[number];

/** The kinds that end a session: at most one of them in a run. */
const TERMINAL: readonly FaultKind[] = ["close", "reject"];

/** The kinds that end a connection, and a run whose session cannot be carried on: at most one of them in such a run. */
const TERMINAL_UNRESUMED: readonly FaultKind[] = ["cut", "cut", "cut", "halfOpen", ...TERMINAL];

/** The kinds that only a session that can be carried on has. */
const RESUMED: ReadonlySet<FaultKind> = new Set<FaultKind>([
  "handshakeCut",
  "rotateCut",
  "migrate",
  "badMigrate",
  "duplicate",
  "restart",
  "away",
  "forget",
  "crowd",
  "thief",
]);

/** How likely a seed has a kind, where that is not {@link OFTEN}. */
const SELDOM: Partial<Record<FaultKind, number>> = {
  longStall: 0.15,
  goAway: 0.1,
  suspend: 0.15,
  pause: 0.3,
  restart: 0.15,
  away: 0.12,
  forget: 0.12,
  crowd: 0.15,
  thief: 0.25,
  duplicate: 0.3,
  halfOpen: 0.35,
  cut: 0.8,
};
const OFTEN = 0.5;

/**
 * Draw the kinds of a run. Every kind costs as many random numbers whether it is drawn or not.
 * @param resumable - whether its session can be carried on over another connection
 */
export function drawFaults(random: Random, resumable: boolean): Set<FaultKind> {
  const faults = new Set<FaultKind>();
  const ends = resumable ? TERMINAL : TERMINAL_UNRESUMED;
  for (const kind of FAULT_KINDS) {
    const drawn = random.chance(SELDOM[kind] ?? OFTEN);
    if (drawn && !ends.includes(kind) && (resumable || !RESUMED.has(kind))) faults.add(kind);
  }
  const end = random.pick(ends);
  const share = resumable ? 0.12 : 0.5;
  if (random.chance(end === "reject" ? share * 0.4 : share)) faults.add(end);
  return faults;
}
