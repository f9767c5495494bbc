import type { Bytes } from "tideway";
import { check, elapsedMs } from "../harness.ts";
import { checkTally, makeMessages, type Tally } from "../messages.ts";
import { serveCommands } from "../process.ts";
import { percentile } from "../statistics.ts";
import { checkRecord, makeRecords, type SampleRecord } from "./record.ts";

/** The client side of one contender: one connection to its server. */
export interface ContenderClient {
  /** Call the server. @returns what it sent back: the same bytes. */
  echo(message: Bytes): Promise<Uint8Array>;
  /** Call the server. @returns what it sent back: the same fields. */
  echoRecord(record: SampleRecord): Promise<SampleRecord>;
  /**
   * Send messages without an answer to each, as fast as the server takes them. Missing where the contender has no
   * such thing.
   * @returns what the server has counted, when it has them all.
   */
  sendAll?(pool: readonly Bytes[], count: number): Promise<Pick<Tally, "count" | "hash">>;
}

/** One library in its best documented configuration. The same program runs as server and as client. */
export interface Contender {
  /** How it is set up, in one sentence; part of the report. */
  readonly configuration: string;
  /** Listen on a free port of 127.0.0.1. @returns what {@link dial} needs. */
  listen(): Promise<string>;
  dial(target: string): Promise<ContenderClient>;
}

/** What a call carries. */
export type Payload = "bytes" | "record";

/** Calls to make. */
export interface CallPlan {
  readonly payload: Payload;
  readonly count: number;
  /** Calls under way at a time. */
  readonly inFlight: number;
}

/** Bytes of a message. */
export const MESSAGE_BYTES = 64;

/** Latencies of a run, us. */
export interface Latencies {
  readonly p50: number;
  readonly p99: number;
}

function toCommands(contender: Contender) {
  const pool = makeMessages(MESSAGE_BYTES);
  const records = makeRecords();
  let client: ContenderClient;
  const callOnce = async (payload: Payload, index: number): Promise<void> => {
    if (payload === "bytes") {
      const message = pool[index % pool.length]!;
      checkBytes(await client.echo(message), message);
    } else {
      const record = records[index % records.length]!;
      checkRecord(await client.echoRecord(record), record);
    }
  };
  return {
    /** How the contender is set up. */
    configuration: () => contender.configuration,
    listen: () => contender.listen(),
    /** Connect. @returns whether messages can be sent without an answer to each. */
    dial: async (target: string) => {
      client = await contender.dial(target);
      return client.sendAll !== undefined;
    },
    /** Make calls and check each answer. @returns the time they took, ms. */
    call: ({ payload, count, inFlight }: CallPlan): Promise<number> => {
      globalThis.gc?.();
      let begun = 0;
      const caller = async () => {
        while (begun < count) await callOnce(payload, begun++);
      };
      return elapsedMs(() => Promise.all(Array.from({ length: inFlight }, caller)));
    },
    /** Make `count` calls one after the other. */
    latencies: async ({ payload, count }: Omit<CallPlan, "inFlight">): Promise<Latencies> => {
      globalThis.gc?.();
      const all = new Float64Array(count);
      for (let index = 0; index < count; index++) {
        const start = performance.now();
        await callOnce(payload, index);
        all[index] = (performance.now() - start) * 1_000;
      }
      return { p50: percentile(all, 0.5), p99: percentile(all, 0.99) };
    },
    /** Send `count` messages one way. @returns the time until the server has them all, ms. */
    send: async (count: number): Promise<number> => {
      globalThis.gc?.();
      const start = performance.now();
      const tally = await client.sendAll!(pool, count);
      const elapsed = performance.now() - start;
      checkTally(tally, pool, count);
      return elapsed;
    },
  };
}

/** What a contender's process can be asked. */
export type ContenderCommands = ReturnType<typeof toCommands>;

/** Be the process of a contender, server or client. */
export function serveContender(contender: Contender): Promise<never> {
  return serveCommands(toCommands(contender));
}

/** Messages that a contender without backpressure may have under way, counted in {@link sendInChunks} twice. */
const CHUNK = 1_000;

/** Send with at most two chunks on the way: for contenders whose `send` takes everything, whatever the peer does. */
export async function sendInChunks(
  pool: readonly Bytes[],
  count: number,
  send: (message: Bytes) => void,
  confirm: () => Promise<unknown>,
): Promise<void> {
  let confirmed: Promise<unknown> = Promise.resolve();
  for (let i = 0; i < count; i++) {
    send(pool[i % pool.length]!);
    if (i % CHUNK !== CHUNK - 1) continue;
    const next = confirm();
    await confirmed;
    confirmed = next;
  }
  await confirmed;
}

function checkBytes(answer: Uint8Array, message: Bytes): void {
  check(answer.length === message.length, `${answer.length} bytes came back for ${message.length}`);
  check(
    answer[0] === message[0] && answer.at(-1) === message.at(-1),
    "the bytes that came back are not those that were sent",
  );
}
