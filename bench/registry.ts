import { BROWSER } from "./browser/index.ts";
import { CHANNELS } from "./channels/index.ts";
import { CODECS } from "./codecs/index.ts";
import { COMPRESSION } from "./compression/index.ts";
import { CORE } from "./core/index.ts";
import { CURVES } from "./curves/index.ts";
import type { Bench } from "./harness.ts";
import { NATIVE } from "./native/index.ts";
import { PEERS } from "./peers/index.ts";
import { SCENARIOS } from "./scenarios/index.ts";
import { TRANSPORTS } from "./transports/index.ts";
import { WEBSOCKET } from "./websocket/index.ts";
import { WORKERS } from "./workers/index.ts";

/** The benches by group, in the order in which they run. */
export const GROUPS: Readonly<Record<string, readonly Bench[]>> = {
  core: CORE,
  codecs: CODECS,
  compression: COMPRESSION,
  native: NATIVE,
  channels: CHANNELS,
  ...TRANSPORTS,
  websocket: [...TRANSPORTS.websocket, ...WEBSOCKET],
  peers: PEERS,
  curves: CURVES,
  workers: WORKERS,
  scenarios: SCENARIOS,
  browser: BROWSER,
};
