import { describe, expect, test } from "vitest";
import { EMPTY } from "../bytes.ts";
import { resolveLimits } from "../limits.ts";
import { Mux } from "../streams/mux.ts";
import type { Stream } from "../streams/stream.ts";
import { Scheduler } from "./scheduler.ts";

const mux = new Mux("client", resolveLimits());

function stream(name: string, priority: number): Stream {
  return mux.create(true, { name, priority, metadata: EMPTY }, undefined);
}

function names(scheduler: Scheduler): string[] {
  return scheduler.drain().map(({ name }) => name);
}

describe("Scheduler", () => {
  test("shift() takes the first class first, and inside a class in the order of arrival", () => {
    const scheduler = new Scheduler();
    expect(scheduler.shift()).toBeUndefined();
    expect(scheduler.peek()).toBeUndefined();
    for (const [name, priority] of [
      ["d", 7],
      ["b", 3],
      ["c", 3],
      ["a", 0],
    ] as const)
      scheduler.push(stream(name, priority));
    expect(scheduler.peek()?.name).toBe("a");
    expect(names(scheduler)).toEqual(["a", "b", "c", "d"]);
    expect(scheduler.empty).toBe(true);
  });

  test("push() puts a stream in once; unshift() puts it back at the head", () => {
    const scheduler = new Scheduler();
    const [a, b] = [stream("a", 3), stream("b", 3)];
    scheduler.push(a);
    scheduler.push(b);
    scheduler.push(a);
    expect(scheduler.shift()).toBe(a);
    expect(a.scheduled).toBe(false);
    scheduler.unshift(a);
    expect(a.scheduled).toBe(true);
    expect(names(scheduler)).toEqual(["a", "b"]);
    scheduler.push(b);
    scheduler.push(a);
    expect(names(scheduler)).toEqual(["b", "a"]);
    expect(a.scheduled || b.scheduled).toBe(false);
  });
});
