import type { Bench } from "../harness.ts";
import { shortSoak } from "../soak/soak.ts";
import { connectStorm } from "./connect-storm.ts";
import { fanOut } from "./fan-out.ts";
import { lostConnections } from "./lost-connections.ts";
import { manyConnections } from "./many-connections.ts";
import { slowLink } from "./slow-link.ts";
import { slowReader } from "./slow-reader.ts";
import { twoServers } from "./two-servers.ts";

/** Many connections to one server, as deployments have them, against `ws` alone. */
export const SCENARIOS: readonly Bench[] = [
  connectStorm,
  fanOut,
  slowReader,
  slowLink,
  lostConnections,
  manyConnections,
  shortSoak,
  twoServers,
];
