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
  /** Borrow the next message of a stream as whoever handles an event does. @returns its memory, when it is as it was sent */
  const borrow = (stream: Stream, fill: number) => {
    const message = stream.read(true);
    const memory = isFull(message, fill) ? message?.buffer : undefined;
    pair.server.release();
    return memory;
  };
  return { pair, send, streams, borrow };
}

function isFull(message: Uint8Array | undefined, fill: number): boolean {
  return message?.length === LENGTH && message.every((byte) => byte === fill);
}

describe("the memory of a record", () => {
  test("is used again when its message was borrowed", () => {
    const { send, streams, borrow } = openStreams(1);
    const memory = [1, 2, 3, 4].map((fill) => {
      send(0, fill);
      return borrow(streams[0]!, fill);
    });
    expect(memory).not.toContain(undefined);
    expect(new Set(memory).size).toBeLessThan(3);
  });

  test("is there for another connection at once, so that an idle one holds none", () => {
    const one = openStreams(1);
    const other = openStreams(1);
    one.send(0, 1);
    const memory = one.borrow(one.streams[0]!, 1);
    expect(memory).toBeDefined();
    other.send(0, 2);
    expect(other.borrow(other.streams[0]!, 2)).toBe(memory);
  });

  test("is not while its message was taken, or waits", () => {
    const { pair, send, streams, borrow } = openStreams(3);
    const [taker, waiter, borrower] = streams as [Stream, Stream, Stream];
    send(0, 1);
    const taken = taker.read();
    expect(pair.server.release()).toBe(true);
    send(2, 2);
    expect(borrow(borrower, 2)).toBeDefined();
    send(1, 3);
    expect(pair.server.release()).toBe(true);
    send(2, 4);
    expect(borrow(borrower, 4)).toBeDefined();
    send(2, 5);
    expect(borrow(borrower, 5)).toBeDefined();
    expect([isFull(taken, 1), isFull(waiter.read(), 3)]).toEqual([true, true]);
  });

  test("is not because an older message was borrowed", () => {
    const { pair, send, streams, borrow } = openStreams(3);
    const [waiter, borrower, other] = streams as [Stream, Stream, Stream];
    send(1, 1);
    expect(pair.server.release()).toBe(true);
    send(0, 2);
    expect(borrow(borrower, 1)).toBeDefined(); // came before the last record
    send(2, 3);
    expect([isFull(waiter.read(), 2), isFull(other.read(), 3)]).toEqual([true, true]);
  });

  test("is not when what was handled has brought it long ago", () => {
    const { pair, send, streams } = openStreams(1);
    const [stream] = streams as [Stream];
    send(0, 1);
    const message = stream.read();
    expect(pair.server.release()).toBe(true);
    expect(pair.server.release()).toBe(true);
    send(0, 2);
    expect([isFull(message, 1), isFull(stream.read(), 2)]).toEqual([true, true]);
  });
});
