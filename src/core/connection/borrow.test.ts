import { describe, expect, test } from "vitest";
import { openStream, Pair } from "../../../test/pair.ts";
import type { Stream } from "../streams/stream.ts";

const LENGTH = 20_000;

/** Streams of a client whose records are long enough to be used again, as the server has them. */
function openStreams(count: number) {
  const pair = new Pair({ messageBoundaries: false }).open();
  const sending = Array.from({ length: count }, () => openStream(pair.client));
  const send = (number: number, fill: number) => {
    sending[number]!.trySend(new Uint8Array(LENGTH).fill(fill));
    pair.settle();
  };
  for (const number of sending.keys()) send(number, 0);
  const streams = pair.streams("server");
  for (const stream of streams) stream.read();
  return { send, streams };
}

function isFull(message: Uint8Array | undefined, fill: number): boolean {
  return message?.length === LENGTH && message.every((byte) => byte === fill);
}

describe("the memory of a record", () => {
  test("is used again when its message was borrowed", () => {
    const { send, streams } = openStreams(1);
    const [stream] = streams as [Stream];
    const buffers = [1, 2, 3, 4].map((fill) => {
      send(0, fill);
      const message = stream.read(true);
      expect(isFull(message, fill)).toBe(true);
      return message?.buffer;
    });
    expect(new Set(buffers).size).toBeLessThan(3);
  });

  test("is not while its message was taken, or waits", () => {
    const { send, streams } = openStreams(3);
    const [taker, waiter, borrower] = streams as [Stream, Stream, Stream];
    send(0, 1);
    const taken = taker.read();
    send(2, 2);
    expect(isFull(borrower.read(true), 2)).toBe(true);
    send(1, 3);
    send(2, 4);
    expect(isFull(borrower.read(true), 4)).toBe(true);
    send(2, 5);
    expect([isFull(taken, 1), isFull(waiter.read(), 3), isFull(borrower.read(true), 5)]).toEqual([
      true,
      true,
      true,
    ]);
  });

  test("is not because an older message was borrowed", () => {
    const { send, streams } = openStreams(3);
    const [waiter, borrower, other] = streams as [Stream, Stream, Stream];
    send(1, 1);
    send(0, 2);
    expect(isFull(borrower.read(true), 1)).toBe(true); // came before the last record
    send(2, 3);
    expect([isFull(waiter.read(), 2), isFull(other.read(), 3)]).toEqual([true, true]);
  });
});
