import { expect, test, vi } from "vitest";
import { whenAborted } from "./when-aborted.ts";

test("many wait for one signal, which has one listener", () => {
  const abort = new AbortController();
  const add = vi.spyOn(abort.signal, "addEventListener");
  const remove = vi.spyOn(abort.signal, "removeEventListener");
  const ran: number[] = [];
  const stops = Array.from({ length: 20 }, (_, each) => whenAborted(abort.signal, () => ran.push(each)));
  stops[3]?.();
  stops[3]?.();
  expect([add.mock.calls.length, remove.mock.calls.length]).toEqual([1, 0]);
  abort.abort();
  expect(ran).toEqual(Array.from({ length: 20 }, (_, each) => each).filter((each) => each !== 3));
  stops[4]?.();
  expect(remove).toHaveBeenCalledTimes(1);
});

test("the listener goes with the last one that waits, and comes back with the next", () => {
  const abort = new AbortController();
  const add = vi.spyOn(abort.signal, "addEventListener");
  const remove = vi.spyOn(abort.signal, "removeEventListener");
  const run = vi.fn();
  for (const stop of [whenAborted(abort.signal, run), whenAborted(abort.signal, run)]) stop();
  expect([add.mock.calls.length, remove.mock.calls.length]).toEqual([1, 1]);
  whenAborted(abort.signal, run);
  abort.abort();
  expect(run).toHaveBeenCalledTimes(1);
});
