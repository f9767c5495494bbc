import type { Carrier } from "../contender.ts";
import { dialNet } from "../links/net.ts";
import { withNodePair } from "./node.ts";

/** TCP between two processes, against `net`. */
export const TCP: Carrier = { name: "tcp", withPair: (use) => withNodePair("tcp", dialNet, use) };

/** A Unix socket or a named pipe between two processes, against `net`. */
export const IPC: Carrier = { name: "ipc", withPair: (use) => withNodePair("ipc", dialNet, use) };
