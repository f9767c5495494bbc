import { describe, expect, test } from "vitest";
import { type LaneReadable, plainBytes, readerOf } from "./lane-reader.ts";

/** A stream of the web with a given source. */
function stream(source: UnderlyingByteSource | UnderlyingDefaultSource<Uint8Array>): LaneReadable {
  return new ReadableStream(source as UnderlyingByteSource) as unknown as LaneReadable;
}

describe("readerOf", () => {
  test("puts what a stream of bytes has into the memory that is given, again and again", async () => {
    let left = 100_000;
    const reader = readerOf(
      stream({
        type: "bytes",
        pull(controller) {
          const view = controller.byobRequest?.view as Uint8Array;
          const length = Math.min(left, view.length, 40_000);
          view.fill(7, 0, length);
          left -= length;
          if (length === 0) controller.close();
          controller.byobRequest?.respond(length);
        },
      }),
    );
    const lengths: number[] = [];
    let memory = new Uint8Array(65_536);
    for (;;) {
      const { done, value } = await reader.read(memory);
      expect(memory.length, "it is the stream's").toBe(0);
      if (done || value === undefined) break;
      expect(value.every((byte) => byte === 7)).toBe(true);
      lengths.push(value.length);
      memory = new Uint8Array(value.buffer as ArrayBuffer);
      expect(memory.length).toBe(65_536);
    }
    expect(lengths).toEqual([40_000, 40_000, 20_000]);
  });

  test("gives the pieces of a stream that is none of bytes", async () => {
    const piece = new Uint8Array(3);
    const reader = readerOf(
      stream({
        start(controller) {
          (controller as ReadableStreamDefaultController).enqueue(piece);
          controller.close();
        },
      }),
    );
    const memory = new Uint8Array(10);
    expect(await reader.read(memory)).toEqual({ done: false, value: piece });
    expect(await reader.read(memory)).toEqual({ done: true, value: undefined });
    expect(memory.length).toBe(10);
  });

  test.each(["bytes", undefined])("tells of an error (%s)", async (type) => {
    const reader = readerOf(
      stream({ type, pull: () => Promise.reject(new Error("lost")) } as UnderlyingByteSource),
    );
    await expect(reader.read(new Uint8Array(1))).rejects.toThrow("lost");
  });
});

test("plainBytes is a view whose slice is a copy", () => {
  const bytes = plainBytes(Buffer.from([1, 2, 3, 4]).subarray(1, 3));
  expect([bytes.constructor, [...bytes]]).toEqual([Uint8Array, [2, 3]]);
  bytes.slice()[0] = 9;
  expect(bytes[0]).toBe(2);
});
