// Runs seeds of the simulator, twice, and prints what came out: it is the same in every runtime.
import { simulate } from "../../../src/testing/index.ts";
import { Totals } from "../../simulate/totals.ts";

const SEEDS = 200;

for (let run = 0; run < 2; run++) {
  const totals = new Totals();
  for (let seed = 1; seed <= SEEDS; seed++) totals.add(simulate(seed));
  const { failed, hash, messages, bytes } = totals;
  console.log(`SIMULATED ${totals.seeds} ${failed.length} failed ${hash} ${messages} ${bytes}`);
}
