import type { Winners } from "../session/connect-race.ts";
import type { TransportName } from "../transports/transport.ts";

const PREFIX = "tideway.transport ";

/** For this run of the program; where there is storage, the next one knows too. */
const winners: Map<string, TransportName> = new Map();

/** Which transport carried the last session to this origin; `undefined` when that is not known. */
export function recallWinner(origin: string): TransportName | undefined {
  const known = winners.get(origin) ?? storage()?.getItem(PREFIX + origin);
  return known === "websocket" || known === "webtransport" ? known : undefined;
}

/** Note which transport carries a session to this origin. */
export function rememberWinner(origin: string, winner: TransportName): void {
  if (winners.get(origin) === winner) return;
  winners.set(origin, winner);
  try {
    storage()?.setItem(PREFIX + origin, winner);
  } catch {
    // It is full: this run knows, the next one does not.
  }
}

/** The page's storage, where it has one and lets this code use it. */
function storage(): Storage | undefined {
  try {
    return globalThis.localStorage;
  } catch {
    return undefined;
  }
}

/** Kept for the origins that a page connects to. */
export const WINNERS: Winners = { recall: recallWinner, remember: rememberWinner };
