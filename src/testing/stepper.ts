import type { World } from "./world.ts";

/** Moves the clock of a run, and notices when something spins. */
export class Stepper {
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  /**
   * Make the calls of the clock, one after the other, while `going` says so and there are some.
   * @param mostSteps - most calls, beyond a few for each byte that is written
   */
  stepWhile(going: () => boolean, mostSteps: number): void {
    const world = this.#world;
    const { clock } = world;
    const most = clock.steps + mostSteps - world.writtenBytes * 4;
    while (going()) {
      if (!clock.step()) return;
      if (clock.steps > most + world.writtenBytes * 8)
        world.fail(`Clock took over ${mostSteps} steps until ${clock.now()} ms: something spins`);
    }
  }

  /** Let `ms` pass. */
  pass(ms: number, mostSteps = 100_000): void {
    const { clock } = this.#world;
    const until = clock.now() + ms;
    clock.schedule(() => {}, ms);
    this.stepWhile(() => clock.now() < until, mostSteps);
  }

  /** Wait until something holds, `ms` at most. @returns whether it does. */
  waitUntil(holds: () => boolean, ms: number): boolean {
    const { clock } = this.#world;
    const until = clock.now() + ms;
    clock.schedule(() => {}, ms);
    this.stepWhile(() => clock.now() < until && !holds(), 300_000);
    return holds();
  }
}
