import { describe, expect, test } from "vitest";
import { KINDS, openEnds, words } from "../../test/channels/ends.ts";
import { failure } from "../../test/sessions.ts";
import { json, ProtocolError, StateError, StreamError } from "../index.ts";
import { coded, fixedBytes, struct } from "./channels.ts";

describe("formats", () => {
  test("struct() has every kind of field", () => {
    const every = struct({
      flag: "bool",
      a: "u8",
      b: "i8",
      c: "u16",
      d: "i16",
      e: "u32",
      f: "i32",
      g: "f32",
      h: "f64",
      i: "u64",
      j: "i64",
    });
    expect(every.bytes).toBe(1 + 1 + 1 + 2 + 2 + 4 + 4 + 4 + 8 + 8 + 8);
    const { sender, receiver } = openEnds({ format: every });
    const value = {
      flag: true,
      a: 255,
      b: -128,
      c: 65_535,
      d: -32_768,
      e: 4_294_967_295,
      f: -2_147_483_648,
      g: 0.5,
      h: Math.PI,
      i: 18_446_744_073_709_551_615n,
      j: -9_223_372_036_854_775_808n,
    };
    sender.trySend(value);
    const got = receiver.tryReceive();
    expect(got).toEqual(value);
    expect(Object.keys(got ?? {})).toEqual(Object.keys(value));
  });

  test("fixedBytes() gives bytes of this thread", () => {
    const { sender, receiver } = openEnds({ format: fixedBytes(3) });
    sender.trySend(new Uint8Array([1, 2, 3]));
    expect(() => sender.trySend(new Uint8Array(4))).toThrow(TypeError);
    const got = receiver.tryReceive();
    expect([...(got ?? [])]).toEqual([1, 2, 3]);
    expect(got?.buffer).toBeInstanceOf(ArrayBuffer);
  });

  test.each(KINDS)("%s: a message that cannot be written is not sent, and harms no other", async (kind) => {
    const format = struct({ big: "u64" });
    const { sender, receiver } = openEnds({ kind, format, capacity: 4 });
    const bad = { big: 1 as unknown as bigint };
    for (let round = 0; round < 10; round++) {
      expect(() => sender.trySend(bad)).toThrow(TypeError);
      expect(() => sender.trySendBatch([{ big: 1n }, bad, { big: 3n }])).toThrow(TypeError);
      expect(receiver.tryReceive()).toEqual({ big: 1n });
      expect(receiver.tryReceive()).toBe(undefined);
      expect(await failure(sender.send(bad))).toBeInstanceOf(TypeError);
      expect(receiver.tryReceiveBatch(4)).toEqual([]);
    }
  });

  test.each(KINDS)("%s: a message that is too long, or that cannot be read, harms no other", (kind) => {
    const format = coded<unknown>(
      {
        ...json,
        decode: (bytes) => {
          const value = json.decode(bytes);
          if (value === "bad") throw new ProtocolError("ERR_DECODE", "Cannot decode");
          return value;
        },
      },
      32,
    );
    const { sender, receiver } = openEnds({ kind, format });
    const long = "x".repeat(40);
    expect(() => sender.trySend(long)).toThrow(StreamError);
    expect(() => sender.trySendBatch([1, 2, long, 3])).toThrow(StreamError);
    expect(receiver.tryReceiveBatch(9)).toEqual([1, 2]);
    sender.trySendBatch(["bad", 4]);
    expect(() => receiver.tryReceive()).toThrow("Cannot decode");
    expect(receiver.tryReceive()).toBe(4);
  });
});

describe("leases", () => {
  test.each(KINDS)("%s: slots are written and read in place", (kind) => {
    const { sender, receiver } = openEnds({ kind, format: fixedBytes(16), capacity: 8 });
    let next = 0;
    let seen = 0;
    for (let round = 0; round < 50; round++) {
      {
        using lease = sender.tryLease(3);
        if (lease === undefined) throw new Error("full");
        expect(() => sender.trySend(new Uint8Array(16))).toThrow(StateError);
        for (let i = 0; i < lease.count; i++) lease.memory.u32[(lease.at + i * lease.stride) >> 2] = next++;
        lease.send();
      }
      using lease = receiver.tryLease(5);
      if (lease === undefined) throw new Error("empty");
      expect(() => receiver.tryReceive()).toThrow(StateError);
      for (let i = 0; i < lease.count; i++) {
        expect(new DataView(lease.bytes(i).slice().buffer).getUint32(0, true)).toBe(seen++);
        expect(lease.memory.u32[(lease.at + i * lease.stride) >> 2]).toBe(seen - 1);
      }
      expect(() => lease.bytes(lease.count)).toThrow(RangeError);
    }
    expect(seen).toBe(next);
  });

  test.each(KINDS)("%s: a lease that is not sent, or in part, sends no more than that", (kind) => {
    const { sender, receiver } = openEnds({ kind, format: fixedBytes(4), capacity: 4 });
    for (let round = 0; round < 9; round++) {
      sender.tryLease(2)?.[Symbol.dispose]();
      expect(receiver.tryReceive()).toBe(undefined);
      const lease = sender.tryLease(2);
      lease?.bytes(0).fill(round);
      lease?.send(1);
      lease?.send(1);
      expect(receiver.tryReceiveBatch(4)).toEqual([new Uint8Array(4).fill(round)]);
    }
    expect(() => sender.tryLease(0)).toThrow(RangeError);
    expect(() => receiver.tryLease(0)).toThrow(RangeError);
  });

  test("coded records are read where they lie", () => {
    for (const kind of KINDS) {
      const { sender, receiver } = openEnds<unknown>({ kind, format: words });
      expect(() => sender.tryLease(1)).toThrow(StateError);
      sender.trySendBatch(["a", "bcd"]);
      const texts: string[] = [];
      for (;;) {
        using lease = receiver.tryLease(1);
        if (lease === undefined) break;
        texts.push(new TextDecoder().decode(lease.bytes(0).slice()));
      }
      expect(texts).toEqual(['"a"', '"bcd"']);
    }
  });
});
