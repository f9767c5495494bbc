import type { Figure } from "../harness.ts";
import { toLine } from "../report.ts";
import type { Floor } from "./floors.ts";

/** What became of a floor: the figures of the last run, and what is wrong with them, if anything is. */
export interface Outcome {
  readonly floor: Floor;
  readonly figures: readonly Figure[];
  readonly problem: string | undefined;
  /** How often it was measured: twice when the first run broke the floor. */
  readonly attempts: number;
}

const ATTEMPTS = 2;

/**
 * Measure against each floor in turn. One that is broken is measured again, and counts as broken when it is so twice.
 * @param measure - gives the figures of the bench of a floor
 * @param onOutcome - hears each outcome as it comes
 */
export async function guard(
  floors: readonly Floor[],
  measure: (floor: Floor) => Promise<readonly Figure[]>,
  onOutcome: (outcome: Outcome) => void,
): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  for (const floor of floors) {
    let outcome = await attempt(floor, measure, 1);
    while (outcome.problem !== undefined && outcome.attempts < ATTEMPTS) {
      onOutcome(outcome);
      outcome = await attempt(floor, measure, outcome.attempts + 1);
    }
    onOutcome(outcome);
    outcomes.push(outcome);
  }
  return outcomes;
}

async function attempt(
  floor: Floor,
  measure: (floor: Floor) => Promise<readonly Figure[]>,
  attempts: number,
): Promise<Outcome> {
  try {
    const figures = (await measure(floor)).filter(
      ({ name, peer }) => peer !== undefined && name.includes(floor.of ?? ""),
    );
    return { floor, figures, problem: problemOf(floor, figures), attempts };
  } catch (error) {
    return { floor, figures: [], problem: String(error), attempts };
  }
}

function problemOf(floor: Floor, figures: readonly Figure[]): string | undefined {
  if (figures.length === 0) return "there is no such figure";
  const broken = figures.find((figure) => !((toLine(figure).ratio ?? 0) >= floor.ratio));
  return broken === undefined
    ? undefined
    : `${broken.name}: ${toLine(broken).ratio} x is below ${floor.ratio} x`;
}

/** One line a figure: what it is, the ratio, and the floor. */
export function describeOutcome({ floor, figures, problem, attempts }: Outcome): string {
  const where = `${floor.group} ${floor.id}`.padEnd(16);
  const lines = figures.map((figure) => {
    const { name, value, unit, peer, peerValue, ratio } = toLine(figure);
    return `${where} ${name}: ${value} ${unit}, ${peer} ${peerValue}: ${ratio} x, floor ${floor.ratio} x`;
  });
  if (problem !== undefined)
    lines.push(`${where} ${attempts < ATTEMPTS ? "once more, because" : "BROKEN TWICE:"} ${problem}`);
  return lines.join("\n");
}
