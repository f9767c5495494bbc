import { type Bytes, type Client, client, type Session } from "tideway";
import { checkEcho, ECHO } from "../calls.ts";
import { check } from "../harness.ts";
import { makeMessages } from "../messages.ts";
import type { Link } from "./links/link.ts";
import { echoBare, receiveBare, sendBare } from "./links/protocol.ts";
import { receiveMessages, sendMessages } from "./session-streams.ts";

/** Messages of one length, and how many of them. Plain data, because it may go to another process. */
export interface Load {
  readonly bytes: number;
  readonly count: number;
}

/** What a scenario has done on one connection. Every function checks what arrived. */
export interface Contender {
  /** What the figures call it. */
  readonly name: string;
  /** Send messages to the server. @returns the time until it has them all, ms. */
  send(load: Load): Promise<number>;
  /** Have the server send messages. @returns the time until all are here, ms. */
  receive(load: Load): Promise<number>;
  /** Send one message after the other and wait for the answer of each. @returns the time of each, ms. */
  roundTrips(load: Load): Promise<readonly number[]>;
}

/** A Tideway session as a contender. */
export interface SessionContender extends Contender {
  /** Make calls of 64 B, one after the other, for as long as a transfer takes. @returns the time of each, ms. */
  callsDuring(transfer: Load & { readonly up: boolean }): Promise<readonly number[]>;
}

/** A connection of each kind to the same server process or thread. */
export interface Pair {
  readonly ours: SessionContender;
  readonly bare: Contender;
}

/** A pair, and what ends it and its server. */
export interface OpenPair extends Pair {
  close(): Promise<unknown>;
}

/** A way to carry bytes between two processes or threads. */
export interface Carrier {
  /** What the figures call it. */
  readonly name: string;
  /** Start a server and connect to it. */
  open(): Promise<OpenPair>;
}

/** Calls below which the worst of them says nothing of the others. */
const LEAST_CALLS = 10;

const pools: Map<number, readonly Bytes[]> = new Map();

function poolOf(bytes: number): readonly Bytes[] {
  let pool = pools.get(bytes);
  if (pool === undefined) {
    pool = makeMessages(bytes);
    pools.set(bytes, pool);
  }
  return pool;
}

/** A session of this process. Its server takes streams with `takeStreams` and calls with `echoService`. */
export function ofSession(session: Session): SessionContender {
  const calls = client(session, ECHO);
  return {
    name: "tideway",
    send: ({ bytes, count }) => sendMessages(session, poolOf(bytes), count),
    receive: ({ bytes, count }) => receiveMessages(session, poolOf(bytes), count),
    roundTrips: async ({ bytes, count }) => {
      const pool = poolOf(bytes);
      const times: number[] = [];
      for (let i = 0; i < count; i++) times.push(await timeCall(calls, pool[i % pool.length]!));
      return times;
    },
    callsDuring: ({ up, bytes, count }) =>
      callDuring(calls, () => (up ? sendMessages : receiveMessages)(session, poolOf(bytes), count)),
  };
}

async function timeCall(calls: Client<typeof ECHO>, message: Bytes): Promise<number> {
  const start = performance.now();
  const answer = await calls.echo(message);
  const elapsed = performance.now() - start;
  checkEcho(answer, message);
  return elapsed;
}

async function callDuring(
  calls: Client<typeof ECHO>,
  transfer: () => Promise<unknown>,
): Promise<readonly number[]> {
  const pool = poolOf(64);
  let over = false;
  const transferred = transfer().finally(() => {
    over = true;
  });
  const times: number[] = [];
  while (!over) times.push(await timeCall(calls, pool[times.length % pool.length]!));
  await transferred;
  check(times.length >= LEAST_CALLS, `only ${times.length} calls were made during the transfer`);
  return times;
}

/** A bare link of this process. Its other end is served with `serveLink`. */
export function ofLink(link: Link): Contender {
  return {
    name: link.peer,
    send: ({ bytes, count }) => sendBare(link, poolOf(bytes), count),
    receive: ({ bytes, count }) => receiveBare(link, poolOf(bytes), count),
    roundTrips: async ({ bytes, count }) => {
      const times: number[] = [];
      await echoBare(link, poolOf(bytes), count, 1, (ms) => times.push(ms));
      return times;
    },
  };
}
