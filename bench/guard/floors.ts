/** A ratio to the bare peer that no figure of some bench may fall below. */
export interface Floor {
  readonly group: string;
  readonly id: string;
  /** What the names of the figures contain, where the bench has others too. */
  readonly of?: string;
  /** Times better than the peer of the same run. */
  readonly ratio: number;
}

/**
 * Far below what an idle machine gives: what breaks a floor twice is no noise. The peers come
 * with the project, so nothing is installed for this.
 */
export const FLOORS: readonly Floor[] = [
  { group: "websocket", id: "P4", ratio: 3 },
  { group: "websocket", id: "P6", ratio: 0.25 },
  { group: "websocket", id: "P7", of: "p50", ratio: 0.15 },
  { group: "websocket", id: "P8", ratio: 0.15 },
  { group: "tcp", id: "P5", ratio: 2 },
  { group: "tcp", id: "P7", of: "p50", ratio: 0.12 },
  { group: "tcp", id: "P8", ratio: 0.07 },
  { group: "ipc", id: "P5", ratio: 0.3 },
  { group: "message-port", id: "P5", ratio: 1 },
  { group: "message-port", id: "P7", of: "p50", ratio: 0.07 },
  { group: "scenarios", id: "S1", ratio: 0.12 },
  { group: "scenarios", id: "S2", ratio: 1.5 },
];
