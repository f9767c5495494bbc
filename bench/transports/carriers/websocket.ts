import type { Carrier } from "../contender.ts";
import { dialWs } from "../links/ws.ts";
import { withNodePair } from "./node.ts";

/** WebSocket between two processes, against `ws`. */
export const WEBSOCKET: Carrier = {
  name: "websocket",
  withPair: (use) => withNodePair("websocket", dialWs, use),
};
