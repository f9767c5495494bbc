import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Queue } from "./queue.ts";

describe("Queue", () => {
  test("behaves as an array with push() and shift() does", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -3, max: 5 })), (steps) => {
        const queue = new Queue<number>();
        const model: number[] = [];
        for (const [at, step] of steps.entries()) {
          for (let i = 0; i < step * 400; i++) {
            queue.push(at * 10_000 + i);
            model.push(at * 10_000 + i);
          }
          for (let i = step * 300; i < 0; i++) expect(queue.shift()).toBe(model.shift());
          expect(queue.length).toBe(model.length);
          expect(queue.peek()).toBe(model[0]);
        }
        if (model.length > 0) queue.map(1, (item) => -item);
        for (let i = 0; model.length > 0; i++) {
          const item = model.shift() ?? 0;
          expect(queue.shift()).toBe(i === 0 ? item : -item);
        }
        expect(queue.shift()).toBeUndefined();
      }),
      { numRuns: 50 },
    );
  });

  test("clear() forgets all, and the queue goes on", () => {
    const queue = new Queue<string>();
    queue.clear();
    queue.push("a");
    queue.push("b");
    queue.clear();
    expect(queue.length).toBe(0);
    queue.push("c");
    expect(queue.shift()).toBe("c");
    expect(queue.peek()).toBeUndefined();
  });
});
