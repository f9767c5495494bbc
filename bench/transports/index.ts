import type { Bench, Target } from "../harness.ts";
import { MEMORY } from "./carriers/memory.ts";
import { IPC, TCP } from "./carriers/sockets.ts";
import { MESSAGE_PORT, RING } from "./carriers/threads.ts";
import { WEBSOCKET } from "./carriers/websocket.ts";
import { WEBTRANSPORT } from "./carriers/webtransport.ts";
import type { Carrier } from "./contender.ts";
import { callsDuringBulk } from "./scenarios/calls-during-bulk.ts";
import { bulkStream, smallMessages } from "./scenarios/one-way.ts";
import { roundTrip } from "./scenarios/round-trip.ts";

/** A ratio of 0.91 is 1.10 times the latency of the peer. */
const LATENCY: Target = { ratio: 0.91 };
const BULK: Target = { ratio: 0.9 };

function benches(carrier: Carrier, smallId: string, small?: Target): readonly Bench[] {
  // In one thread there is no transport that could be compared with.
  const [latency, bulk] = carrier === MEMORY ? [] : [LATENCY, BULK];
  return [
    smallMessages(carrier, smallId, small),
    roundTrip(carrier, latency),
    bulkStream(carrier, bulk),
    callsDuringBulk(carrier),
  ];
}

/** The same scenarios over each transport, against the bare transport. */
export const TRANSPORTS = {
  websocket: benches(WEBSOCKET, "P4", { ratio: 20, value: 3e6 }),
  tcp: benches(TCP, "P5", { value: 4e6 }),
  ipc: benches(IPC, "P5", { value: 4e6 }),
  "message-port": benches(MESSAGE_PORT, "P5"),
  ring: benches(RING, "P5"),
  webtransport: benches(WEBTRANSPORT, "P5"),
  memory: benches(MEMORY, "P5"),
} as const satisfies Readonly<Record<string, readonly Bench[]>>;
