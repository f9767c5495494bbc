import { describe, expect, test } from "vitest";
import { toHex } from "../../../test/byte-lane.ts";
import { openStream, Pair } from "../../../test/pair.ts";
import type { Bytes } from "../bytes.ts";
import { StreamError } from "../errors.ts";
import { MAIN_LANE } from "../lanes/lane.ts";
import { FrameReader } from "../wire/frame.ts";
import * as FrameType from "../wire/frame-type.ts";
import { encodeReason, MAX_REASON_BYTES } from "../wire/reason.ts";

/** `type stream length` of each frame in a record. */
function framesOf(record: Bytes | undefined): string[] {
  const reader = new FrameReader();
  reader.reset(record ?? new Uint8Array(0), record === undefined ? 0 : 1);
  const frames: string[] = [];
  while (reader.next()) frames.push(`${reader.type} ${reader.stream} ${reader.bodyEnd - reader.bodyAt}`);
  return frames;
}

function take(pair: Pair, maxBytes = 65_536): Bytes | undefined {
  return pair.client.takeOutput(MAIN_LANE, maxBytes, pair.now);
}

describe("encodeReason()", () => {
  test("cuts between characters", () => {
    expect(encodeReason("abc").length).toBe(3);
    expect(encodeReason("x".repeat(500)).length).toBe(MAX_REASON_BYTES);
    expect(encodeReason(`${"x".repeat(127)}ü`).length).toBe(127);
    expect(encodeReason(`${"x".repeat(125)}😀`).length).toBe(125);
    expect(encodeReason(`${"x".repeat(124)}😀`).length).toBe(128);
  });
});

describe("Outbox", () => {
  test("a unary call is one frame: OPEN with name, message and FIN", () => {
    const pair = new Pair().open();
    const stream = openStream(pair.client, "ab");
    stream.trySend(new Uint8Array([1]));
    stream.finish();
    expect(toHex(take(pair)!)).toBe("002404" + "056162" + "01");
    const again = openStream(pair.client, "ab");
    again.trySend(new Uint8Array([2]));
    expect(toHex(take(pair)!)).toBe("002008" + "02" + "02");
  });

  test("what one task sends leaves as one record, control frames first", () => {
    const pair = new Pair().open();
    const first = openStream(pair.client);
    first.trySend(new Uint8Array([1]));
    pair.settle();
    const second = openStream(pair.client);
    second.trySend(new Uint8Array([2]));
    first.reset(new StreamError("ERR_CANCELLED", "r"));
    first.stop(new StreamError("ERR_CANCELLED", "s"));
    expect(toHex(take(pair)!)).toBe("00" + "680402" + "1373" + "580403" + "132172" + "2008" + "0002");
  });

  test("priority decides, and inside a class turns are taken", () => {
    const pair = new Pair().open();
    const streams = [3, 3, 1, 7].map((priority) =>
      pair.client.mux.open({ name: "", priority, metadata: new Uint8Array(0) }),
    );
    pair.settle();
    for (const stream of streams) stream.trySend(new Uint8Array(40_000));
    const order: string[] = [];
    for (let record = take(pair, 16_600); record !== undefined; record = take(pair, 16_600)) {
      for (const frame of framesOf(record)) order.push(frame.split(" ")[1] as string);
    }
    // The stream of class 1 was opened first, since classes order OPEN too.
    const [a, b, urgent, late] = streams.map(({ id }) => `${id}`);
    expect(order.lastIndexOf(urgent!)).toBeLessThan(order.indexOf(a!));
    expect(order.indexOf(b!)).toBeLessThan(order.lastIndexOf(a!));
    expect(order.indexOf(late!)).toBeGreaterThan(order.lastIndexOf(b!));
  });

  test("a stream that was reset before its turn sends nothing more", () => {
    const pair = new Pair().open();
    const stream = openStream(pair.client);
    stream.trySend(new Uint8Array(1));
    pair.settle();
    stream.trySend(new Uint8Array(1));
    stream.reset(new StreamError("ERR_NONE", ""));
    expect(framesOf(take(pair))).toEqual([`${FrameType.RESET} 4 2`]);
    expect(pair.client.mux.outbox.queuedBytes).toBe(0);
  });
});
