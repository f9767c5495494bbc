/** One promise about speed or size, which one or more figures decide. */
export interface Row {
  readonly id: string;
  readonly what: string;
  /** What is promised, as text; the figures carry it as numbers. */
  readonly target: string;
}

const row = (id: string, what: string, target: string): Row => ({ id, what, target });

/** The promises, in their order. */
export const ROWS: readonly Row[] = [
  row("P1", "frame header, encode / decode", "<= 12 ns / <= 18 ns"),
  row("P2", "records of 64 KiB, encode / decode", ">= 2.5 GB/s / >= 1.8 GB/s"),
  row("P3", "small message in memory, `trySend` to handler", "<= 200 ns, >= 5 M/s"),
  row("P4", "64 B messages over WebSocket, two processes", ">= 20 x `ws`, >= 3 M/s"),
  row("P5", "the same over TCP and IPC", ">= 4 M/s"),
  row("P6", "unary calls, 100 in flight, WebSocket", ">= 5 x the best of the field"),
  row("P7", "round trip of a 64 B unary call, each transport", "p50 and p99 <= 1.10 x bare"),
  row("P8", "bulk stream of 64 KiB writes, each transport", ">= 0.90 x bare"),
  row("P9", "idle memory a connection, 10,000 of them", "<= 16 KiB"),
  row("P10", "p99 of a small call during a 1 GiB transfer", "< 5 ms"),
  row("P11", "SPSC ring, 16 B messages", ">= 50 M/s batched, >= 0.35 x C++"),
  row("P12", "MPSC / MPMC ring, 16 B, batched", ">= 20 M/s / >= 10 M/s"),
  row(
    "P13",
    "schema codec, message of 5 fields",
    "<= 200 ns each way; faster and smaller than JSON, msgpack, msgpackr",
  ),
  row("P14", "LZ4 of 1 MiB of JSON-like text", "native 500 MB/s / 2 GB/s; browser 250 / 800 MB/s"),
  row("P15", "session handshakes in memory, both sides", ">= 10,000/s"),
  row("P16", "resume after a cut", "one round trip + backoff; 0 lost, 0 twice"),
  row("P17", "browser round trip, WebSocket and WebTransport", "p50 <= 1.15 x, p99 <= 1.25 x the bare API"),
  row("P18", "what a page loads: core, session, RPC, WebSocket client, gzip", "<= 12 kB"),
  row("P19", "two server processes against one", ">= 1.9 x"),
  row("P20", "10,000 connections, 1 message a second each", "< 1 ms added to the p99 of `ws`, < 1 core"),
];
