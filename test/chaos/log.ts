import { createHash } from "node:crypto";

/** What a producer sends: who it is, a number of its own that starts at 0 and leaves none out, and bytes. */
export interface DataRecord {
  readonly producer: string;
  readonly n: number;
  readonly data: Uint8Array;
}

/** One line of a log. Source: the consumer writes `delivery`, the producer everything else. */
export type LogEntry =
  /** Written before the record is sent. */
  | {
      readonly kind: "intent";
      readonly producer: string;
      readonly n: number;
      readonly hash: string;
      readonly length: number;
    }
  /** Written when the library has said that the record arrived, or will. */
  | { readonly kind: "ack"; readonly producer: string; readonly n: number }
  /** Written when the application of the other side has it. */
  | {
      readonly kind: "delivery";
      /** Where it arrived, and as the how many-th there, from 0. */
      readonly stream: string;
      readonly seq: number;
      readonly producer: string;
      readonly n: number;
      readonly hash: string;
      readonly length: number;
      readonly session: string;
      /** Connections made so far. */
      readonly epoch: number;
    };

/** What one side of a run writes down. It only grows. */
export class Log {
  readonly entries: LogEntry[] = [];
  readonly #next: Map<string, number> = new Map();

  /** A record is about to be sent. */
  intent({ producer, n, data }: DataRecord): void {
    this.entries.push({ kind: "intent", producer, n, hash: hashOf(data), length: data.length });
  }

  /** The records of `producer` up to but not including `end` have arrived, or will; `begin` is the first. */
  ack(producer: string, end: number, begin = 0): void {
    for (let n = begin; n < end; n++) this.entries.push({ kind: "ack", producer, n });
  }

  /** A record has arrived. */
  delivery(stream: string, { producer, n, data }: DataRecord, session: string, epoch: number): void {
    const seq = this.#next.get(stream) ?? 0;
    this.#next.set(stream, seq + 1);
    const { length } = data;
    this.entries.push({
      kind: "delivery",
      stream,
      seq,
      producer,
      n,
      hash: hashOf(data),
      length,
      session,
      epoch,
    });
  }
}

/** The first 64 bits of the SHA-256 of `data`, in hex. */
export function hashOf(data: Uint8Array): string {
  return createHash("sha256").update(data).digest("hex").slice(0, 16);
}

/** Logs as lines of JSON. */
export function writeLog(entries: Iterable<LogEntry>): string {
  return [...entries].map((entry) => `${JSON.stringify(entry)}\n`).join("");
}

/** What {@link writeLog} wrote. */
export function readLog(text: string): LogEntry[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as LogEntry);
}
