import type { Bench } from "../harness.ts";
import { curveBench } from "./curve.ts";
import { MEMORY_CURVES } from "./memory.ts";
import { TIME_CURVES } from "./time.ts";

/** What a unit costs, by how much there is of it. A figure above 2 says that a cost is not flat where it should be. */
export const CURVES: readonly Bench[] = [...TIME_CURVES, ...MEMORY_CURVES].map(curveBench);
