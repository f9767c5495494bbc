export { VirtualClock } from "./clock.ts";
export { FAULT_KINDS, type FaultKind } from "./faults.ts";
export {
  type CutOptions,
  DEFAULT_LINK_OPTIONS,
  type Direction,
  type LinkOptions,
  SimulatedLink,
  type SimulatedPairOptions,
  SimulatedTransport,
  simulatedPair,
} from "./link.ts";
export { MARKERS, type Marker } from "./markers.ts";
export { Random } from "./random.ts";
export { simulate } from "./run.ts";
export type { Planted, SimulateOptions, SimulateResult } from "./simulate-options.ts";
