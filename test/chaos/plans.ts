import type { Random } from "../../src/testing/index.ts";
import type { Direction, Fault, FaultKind } from "./proxy.ts";

/** Both directions. */
export const DIRECTIONS = ["clientToServer", "serverToClient"] as const;

/** Bytes that hold the handshake and the first messages. */
const EARLY_BYTES = 2_000;

/** A cut at a byte; neighbours get the other kind. */
export function cutAt(direction: Direction, byte: number): Fault {
  const other = DIRECTIONS.indexOf(direction);
  return { kind: (byte + other) % 2 === 0 ? "fin" : "reset", direction, byte };
}

/** A cut at a random byte behind the first ones, which a connection of so many bytes surely reaches. */
export function cutLater(random: Random, bytes: Readonly<Record<Direction, number>>): Fault {
  const direction = random.pick(DIRECTIONS);
  return cutAt(direction, random.int(EARLY_BYTES, Math.floor(bytes[direction] * 0.95)));
}

/** One to four faults in a row: the later ones often strike while the session resumes. */
export function drawPlan(
  random: Random,
  kinds: readonly FaultKind[],
  bytes: Readonly<Record<Direction, number>>,
): Fault[] {
  const plan = [
    random.chance(0.5) ? early(random, kinds) : { ...cutLater(random, bytes), kind: random.pick(kinds) },
  ];
  while (plan.length < 4 && random.chance(0.5)) plan.push(early(random, kinds));
  return plan;
}

function early(random: Random, kinds: readonly FaultKind[]): Fault {
  const kind = random.pick(kinds);
  const direction = random.pick([...DIRECTIONS, "both"] as const);
  const fault: Fault = { kind, direction, byte: random.int(0, random.pick([EARLY_BYTES / 4, EARLY_BYTES])) };
  return kind === "freeze" && random.chance(0.5) ? { ...fault, destroyAfterMs: random.int(20, 150) } : fault;
}
