import type { Carrier } from "../contender.ts";
import { dialNet } from "../links/net.ts";
import { openNodePair } from "./node.ts";

/** TCP between two processes, against `net`. */
export const TCP: Carrier = { name: "tcp", open: () => openNodePair("tcp", dialNet) };

/** A Unix socket or a named pipe between two processes, against `net`. */
export const IPC: Carrier = { name: "ipc", open: () => openNodePair("ipc", dialNet) };
