import type { Bench } from "../harness.ts";
import { bulkStream, smallMessages } from "./one-way.ts";
import { roundTrip } from "./round-trip.ts";
import type { Kind } from "./server.ts";

const benches = (kind: Kind): readonly Bench[] => [smallMessages(kind), roundTrip(kind), bulkStream(kind)];

/** Tideway over TCP between two processes, against `net` alone. */
export const TCP: readonly Bench[] = benches("tcp");

/** Tideway over a Unix socket between two processes, against `net` alone. */
export const IPC: readonly Bench[] = benches("ipc");
