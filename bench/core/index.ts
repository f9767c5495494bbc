import type { Bench } from "../harness.ts";
import { bundleSize } from "./bundle.ts";
import { memoryCalls } from "./calls.ts";
import { frameHeader } from "./frame-header.ts";
import { handshakes } from "./handshake.ts";
import { memoryMessages } from "./messages.ts";
import { recordThroughput } from "./record.ts";

/** What the protocol costs without a network. */
export const CORE: readonly Bench[] = [
  frameHeader,
  recordThroughput,
  memoryMessages,
  memoryCalls,
  handshakes,
  bundleSize,
];
