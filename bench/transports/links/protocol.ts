import type { Bytes } from "tideway";
import { checkEcho } from "../../calls.ts";
import { check } from "../../harness.ts";
import { checkTally, makeMessages, Tally } from "../../messages.ts";
import { HIGH_WATER_BYTES, type Link } from "./link.ts";

// What a bare link is asked to do: three numbers of 32 bits, sent while nothing else is under way.
//
//     what to do, bytes of a message, messages
//
// SINK is answered with count and hash of the tally, SOURCE with the messages, ECHO with each message.

const SINK = 0;
const SOURCE = 1;
const ECHO = 2;
const REQUEST_BYTES = 12;

/** Counts messages of one length that come whole, in pieces, or several in one piece. */
class Counter {
  readonly tally: Tally = new Tally();
  readonly #length: number;
  #at = 0;
  #first = 0;

  constructor(length: number) {
    this.#length = length;
  }

  add(piece: Uint8Array): void {
    const length = this.#length;
    let at = 0;
    while (at < piece.length) {
      if (this.#at === 0) this.#first = piece[at]!;
      const count = Math.min(piece.length - at, length - this.#at);
      at += count;
      this.#at += count;
      if (this.#at < length) return;
      this.#at = 0;
      this.tally.addEnds(this.#first, piece[at - 1]!, length);
    }
  }
}

/** Do what the other end asks for. */
export function serveLink(link: Link): void {
  link.onData = (piece) => {
    check(piece.length >= REQUEST_BYTES, "a request came in pieces");
    const [kind, bytes, count] = unpack(piece, 3) as [number, number, number];
    if (kind === SOURCE) void sendAll(link, makeMessages(bytes), count);
    else link.onData = kind === ECHO ? echoer(link, bytes * count) : sink(link, bytes, count);
    if (piece.length > REQUEST_BYTES) link.onData(piece.subarray(REQUEST_BYTES));
  };
}

function echoer(link: Link, total: number): Link["onData"] {
  let left = total;
  return (piece) => {
    left -= piece.length;
    link.write(piece as Bytes);
    if (left === 0) serveLink(link);
  };
}

function sink(link: Link, bytes: number, count: number): Link["onData"] {
  const counter = new Counter(bytes);
  return (piece) => {
    counter.add(piece);
    const { tally } = counter;
    if (tally.count < count) return;
    serveLink(link);
    link.write(pack([tally.count, tally.hash]));
  };
}

function pack(numbers: readonly number[]): Bytes {
  return new Uint8Array(Int32Array.from(numbers).buffer);
}

function unpack(bytes: Uint8Array, count: number): readonly number[] {
  const copy = new Uint8Array(bytes.subarray(0, count * 4)); // the slice of a Buffer is no copy
  return [...new Int32Array(copy.buffer)];
}

async function sendAll(link: Link, pool: readonly Bytes[], count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const message = pool[i % pool.length]!;
    if (link.bufferedBytes < HIGH_WATER_BYTES) link.write(message);
    else await link.writeOut(message);
  }
}

/** Send `count` messages to the other end. @returns the time until it has them all, ms. */
export async function sendBare(link: Link, pool: readonly Bytes[], count: number): Promise<number> {
  const start = performance.now();
  const answered = new Promise<Uint8Array>((resolve) => {
    link.onData = resolve;
  });
  link.write(pack([SINK, pool[0]!.length, count]));
  await sendAll(link, pool, count);
  const answer = await answered;
  const elapsed = performance.now() - start;
  const [arrived, hash] = unpack(answer, 2) as [number, number];
  checkTally({ count: arrived, hash }, pool, count);
  return elapsed;
}

/** Have the other end send `count` messages. @returns the time until all are here, ms. */
export async function receiveBare(link: Link, pool: readonly Bytes[], count: number): Promise<number> {
  const counter = new Counter(pool[0]!.length);
  const start = performance.now();
  const arrived = new Promise<void>((resolve) => {
    link.onData = (piece) => {
      counter.add(piece);
      if (counter.tally.count >= count) resolve();
    };
  });
  link.write(pack([SOURCE, pool[0]!.length, count]));
  await arrived;
  const elapsed = performance.now() - start;
  checkTally(counter.tally, pool, count);
  return elapsed;
}

/**
 * Echo `count` messages with `inFlight` of them under way at a time, and check each answer. Where the transport knows
 * no messages, one at a time comes back in one piece.
 * @param onEcho - hears the time that each took when one is in flight, ms
 */
export function echoBare(
  link: Link,
  pool: readonly Bytes[],
  count: number,
  inFlight: number,
  onEcho: (ms: number) => void = () => {},
): Promise<void> {
  return new Promise((resolve, reject) => {
    let sent = 0;
    let received = 0;
    let sentAt = 0;
    const send = () => {
      sentAt = performance.now();
      link.write(pool[sent++ % pool.length]!);
    };
    link.onData = (answer) => {
      onEcho(performance.now() - sentAt);
      try {
        checkEcho(answer, pool[received++ % pool.length]!);
      } catch (error) {
        return reject(error);
      }
      if (sent < count) send();
      if (received === count) resolve();
    };
    link.write(pack([ECHO, pool[0]!.length, count]));
    while (sent < Math.min(count, inFlight)) send();
  });
}
