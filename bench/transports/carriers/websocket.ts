import type { Carrier } from "../contender.ts";
import { dialWs } from "../links/ws.ts";
import { openNodePair } from "./node.ts";

/** WebSocket between two processes, against `ws`. */
export const WEBSOCKET: Carrier = {
  name: "websocket",
  open: () => openNodePair("websocket", dialWs),
};
