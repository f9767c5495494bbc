import { expect, test } from "vitest";
import type { Bytes } from "../../src/core/bytes.ts";
import { StreamError, WireError } from "../../src/core/errors.ts";
import { MAIN_LANE } from "../../src/core/lanes/lane.ts";
import { resolveLimits } from "../../src/core/limits.ts";
import { type StreamId, writeFrameHeader } from "../../src/core/wire/frame.ts";
import * as FrameFlag from "../../src/core/wire/frame-flag.ts";
import { encodeMetadata } from "../../src/core/wire/metadata.ts";
import { laneOf } from "../byte-lane.ts";
import { openStream, Pair, readAll, type Side } from "../pair.ts";

const RECORDS = 20_000;

/** A small generator with a seed, so that a failure comes again. */
class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** A whole number below `most`. */
  below(most: number): number {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((this.#state / 2 ** 32) * most);
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)] as T;
  }
}

/** Real records of both directions: what a session of every kind of frame wrote. */
function corpus(from: Side): Bytes[] {
  const pair = new Pair().open();
  const metadata = encodeMetadata({ deadlineMs: 5, headers: new Map([["k", "v"]]) }, resolveLimits());
  for (let i = 0; i < 6; i++) {
    const stream = pair[from].mux.open({
      name: `name${i % 3}`,
      priority: i,
      metadata: i % 2 === 0 ? metadata : new Uint8Array(0),
    });
    stream.trySend(new Uint8Array([1, 2, 3]));
    pair.settle();
    const accepted = pair.streams(from === "client" ? "server" : "client")[i]!;
    readAll(accepted);
    if (i === 1) stream.reset(new StreamError("ERR_CANCELLED", "reset"));
    else if (i === 2) stream.stop(new StreamError("ERR_CANCELLED", "stop"));
    else stream.finish(i === 3 ? metadata : undefined);
    accepted.trySend(new Uint8Array(150_000));
    accepted.finish();
    pair.settle();
    readAll(stream);
    pair.client.ping();
    pair[from].sendDatagram(new Uint8Array(9));
    pair.advance(30);
  }
  pair[from].goAway("bye", 1);
  pair.settle();
  pair[from].close("ERR_OVERLOADED", "full");
  pair.settle();
  return pair.wire.filter((one) => one.from === from).map(({ record }) => record);
}

const EDGES = [
  0,
  1,
  2,
  3,
  4,
  5,
  8,
  63,
  64,
  255,
  4_096,
  65_536,
  262_144,
  2 ** 31,
  2 ** 32,
  Number.MAX_SAFE_INTEGER,
];

/** A record of frames that are well formed and otherwise anything. */
function invented(random: Random): Bytes {
  const bytes = new Uint8Array(400);
  let at = 1;
  for (let frames = 1 + random.below(4); frames > 0; frames--) {
    const length = random.below(20);
    const flags = random.below(8) | FrameFlag.LEN;
    const stream = random.below(3) === 0 ? random.pick(EDGES) : random.below(16) * 4 + random.below(2);
    at = writeFrameHeader(bytes, at, random.below(16), flags, stream as StreamId, length);
    for (let i = 0; i < length; i++)
      bytes[at++] = random.below(2) === 0 ? random.below(64) : random.below(256);
  }
  return bytes.slice(0, at);
}

function mutated(random: Random, seeds: readonly Bytes[]): Bytes {
  const bytes = random.pick(seeds).slice(0, 1 + random.below(2_000));
  for (let changes = random.below(6); changes > 0 && bytes.length > 0; changes--) {
    const at = random.below(Math.min(bytes.length, 1 + random.below(bytes.length)));
    if (random.below(2) === 0) bytes[at] = (bytes[at] as number) ^ (1 << random.below(8));
    else bytes[at] = random.pick([0, 1, 63, 64, 127, 128, 192, 255]);
  }
  return bytes;
}

for (const messageBoundaries of [true, false]) {
  for (const victim of ["client", "server"] as const) {
    test(`${RECORDS / 4} mutated records against a ${victim} end in order, boundaries ${messageBoundaries}`, () => {
      const attacker = victim === "client" ? "server" : "client";
      const random = new Random(messageBoundaries ? 0x5eed : 0xbeef);
      const seeds = corpus(attacker);
      let pair = open();
      let closed = 0;
      const codes = new Set<string>();

      function open(): Pair {
        const fresh = new Pair({ messageBoundaries }).open();
        for (let i = 0; i < 4; i++) openStream(fresh[victim], `own${i}`).trySend(new Uint8Array(100));
        fresh.settle();
        fresh.onEvent = (side, event) => {
          if (side !== victim) return;
          if (event.kind === "readable" && random.below(3) > 0) readAll(event.stream);
          if (event.kind === "stream") {
            const what = random.below(5);
            if (what === 0) event.stream.stop(new StreamError("ERR_CANCELLED", ""));
            else if (what === 1) event.stream.reset(new StreamError("ERR_CANCELLED", ""));
            else if (what === 2) event.stream.trySend(new Uint8Array(10));
            event.stream.finish();
            event.stream.release();
          }
          if (event.kind === "closed") {
            closed++;
            if (event.error !== undefined) {
              expect(event.error).toBeInstanceOf(WireError);
              codes.add(event.error.code);
            }
          }
        };
        return fresh;
      }

      for (let i = 0; i < RECORDS / 4; i++) {
        const record = random.below(3) === 0 ? invented(random) : mutated(random, seeds);
        const bytes = messageBoundaries ? record : random.below(8) === 0 ? record : laneOf([record]).slice(8);
        const connection = pair[victim];
        connection.receive(MAIN_LANE, bytes, pair.now);
        pair.drain();
        while (connection.takeOutput(MAIN_LANE, 65_536, pair.now) !== undefined) pair.drain();
        pair.now += random.below(3);
        const { window, table, outbox } = connection.mux;
        expect(window.consumed).toBeLessThanOrEqual(window.received);
        expect(window.received).toBeLessThanOrEqual(window.limit);
        expect(outbox.queuedBytes).toBeGreaterThanOrEqual(0);
        expect(table.size).toBeLessThanOrEqual(256);
        if (connection.deadline <= pair.now) connection.handleTimeout(pair.now);
        if (connection.state === "closed") pair = open();
      }
      expect(closed).toBeGreaterThan(RECORDS / 40);
      expect(codes.size).toBeGreaterThan(3);
    });
  }
}
