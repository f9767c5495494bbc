import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type Path, race } from "../../test/contenders.ts";
import { failure } from "../../test/sessions.ts";
import { WireError } from "../core/errors.ts";
import { SYSTEM_CLOCK } from "../transports/drive.ts";
import type { Greeting } from "./dialing.ts";
import type { Race } from "./race.ts";

/** What a client would do over the transport, without a session: wait as long as the way says. */
class Greeter implements Greeting {
  readonly clock = SYSTEM_CLOCK;
  readonly exclusive: boolean;
  readonly paths: readonly [Path, Path];
  /** Places that were greeted, in order. */
  readonly greeted: number[] = [];
  opened: number | undefined;

  constructor(paths: readonly [Path, Path], exclusive = false) {
    this.paths = paths;
    this.exclusive = exclusive;
  }

  readonly greet: Greeting["greet"] = ({ transport, index }, signal, win) => {
    this.greeted.push(index);
    const { answersMs = 0 } = this.paths[index]?.way ?? {};
    return new Promise((resolve, reject) => {
      signal.addEventListener("abort", () => {
        transport.close(1_000, "");
        reject(signal.reason);
      });
      if (answersMs === "refuses") return reject(new WireError("ERR_AUTH", "who are you"));
      if (answersMs === "never") return;
      const answer = () => {
        if (signal.aborted) return;
        win?.();
        this.opened = index;
        resolve();
      };
      if (answersMs === 0) answer();
      else setTimeout(answer, answersMs);
    });
  };

  isFinal(error: unknown): boolean {
    return error instanceof WireError && error.code === "ERR_AUTH";
  }
}

async function run(
  { race, paths }: { readonly race: Race; readonly paths: readonly [Path, Path] },
  { signal = new AbortController().signal, exclusive = false } = {},
) {
  const greeter = new Greeter(paths, exclusive);
  const opening = race.open(greeter, signal);
  opening.catch(() => {});
  await vi.advanceTimersByTimeAsync(10_000);
  await opening;
  return greeter;
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("Race", () => {
  test("takes the first contender when it answers in its head start, and never starts the other", async () => {
    const both = race({ afterMs: 499 }, { afterMs: 1 });
    expect(await run(both)).toMatchObject({ opened: 0 });
    expect(both.paths[1].started).toEqual([]);
    expect(both.race.choice).toMatchObject({
      transport: "webtransport",
      reasons: [
        "webtransport has a head start of 500 ms",
        "webtransport answered after 499 ms",
        "websocket was not needed",
      ],
    });
  });

  test("takes the second contender when it answers first, and gives the other one up", async () => {
    const both = race({}, { afterMs: 30 });
    expect(await run(both)).toMatchObject({ opened: 1, greeted: [1] });
    expect(both.paths.map(({ aborted, closed }) => [aborted, closed])).toEqual([
      [1, 0],
      [0, 0],
    ]);
    expect(both.choices).toEqual([both.race.choice]);
    expect(both.race.choice?.contenders).toEqual([
      { name: "webtransport", outcome: "lost", startedMs: 0, endedMs: 530 },
      { name: "websocket", outcome: "won", startedMs: 500, openedMs: 530, endedMs: 530 },
    ]);
  });

  test("starts the second contender as soon as the first one fails", async () => {
    const both = race({ afterMs: 20, fails: "no UDP" }, { afterMs: 30 });
    expect(await run(both)).toMatchObject({ opened: 1 });
    expect(both.paths[1].closed).toBe(0);
    expect(both.race.choice?.contenders[1]).toMatchObject({ startedMs: 20, endedMs: 50 });
    expect(both.race.choice?.reasons).toContain("webtransport failed after 20 ms: no UDP");
  });

  test("waits for the first contender when the second one fails", async () => {
    const both = race({ afterMs: 3_000 }, { afterMs: 1, fails: "no" });
    expect(await run(both)).toMatchObject({ opened: 0 });
  });

  test("fails with what the second contender said when both fail", async () => {
    for (const [first, second] of [
      [20, 30],
      [700, 10],
    ]) {
      const both = race(
        { afterMs: first as number, fails: "one" },
        { afterMs: second as number, fails: "two" },
      );
      expect(await failure(run(both))).toMatchObject({ message: "two" });
      expect(both.race.choice).toBeUndefined();
    }
  });

  test("closes a loser that opens too late", async () => {
    const both = race({ afterMs: 600 }, { afterMs: 50 });
    const path = both.paths[0];
    const dial = path.dial;
    Object.assign(path, { dial: () => dial(new AbortController().signal) }); // does not listen to its signal
    expect(await run(both)).toMatchObject({ opened: 1 });
    expect(path.opened).toHaveLength(1);
    expect(path.closed).toBe(1);
  });

  test("gives no head start when the second contender won last time", async () => {
    const both = race({ afterMs: 40 }, { afterMs: 30 }, { lastWinner: "websocket" });
    expect(await run(both)).toMatchObject({ opened: 1 });
    expect(both.paths.map(({ started }) => started.length)).toEqual([1, 1]);
    expect(both.race.choice?.reasons[0]).toBe("no head start: websocket won last time");
  });

  test("an abort ends both, at any time", async () => {
    for (const at of [0, 100, 510]) {
      const both = race({}, {});
      const abort = new AbortController();
      const dialed = failure(both.race.open(new Greeter(both.paths), abort.signal));
      await vi.advanceTimersByTimeAsync(at);
      abort.abort("enough");
      await vi.advanceTimersByTimeAsync(20_000);
      expect(await dialed).toBe("enough");
      expect(both.paths[0].aborted).toBe(1);
      expect(both.paths[1].started).toHaveLength(at > 500 ? 1 : 0);
      expect(vi.getTimerCount()).toBe(0);
    }
  });

  test("a transport that opens and says nothing loses to one that opens later and answers", async () => {
    const both = race({ afterMs: 20, answersMs: "never" }, { afterMs: 30, answersMs: 40 });
    expect(await run(both)).toMatchObject({ opened: 1, greeted: [0, 1] });
    expect(both.paths.map(({ closed }) => closed)).toEqual([1, 0]);
    expect(both.race.choice).toMatchObject({
      transport: "websocket",
      reasons: [
        "webtransport has a head start of 500 ms",
        "webtransport was open after 20 ms, without an answer after 570 ms",
        "websocket answered after 70 ms",
      ],
      contenders: [
        { outcome: "lost", startedMs: 0, openedMs: 20, endedMs: 570 },
        { outcome: "won", startedMs: 500, openedMs: 530, endedMs: 570 },
      ],
    });
  });

  test("the one that opens first and answers late loses, and the other way round", async () => {
    for (const [answersMs, winner] of [
      [600, 1],
      [520, 0],
    ] as const) {
      const both = race({ afterMs: 10, answersMs }, { afterMs: 10, answersMs: 50 });
      expect(await run(both)).toMatchObject({ opened: winner, greeted: [0, 1] });
      expect(both.paths[1 - winner]).toMatchObject({ closed: 1 });
    }
  });

  test("a refusal of who the client is ends the race", async () => {
    const both = race({ afterMs: 10, answersMs: "refuses" }, { afterMs: 10 });
    expect(await failure(run(both))).toMatchObject({ code: "ERR_AUTH" });
    expect(both.paths[1].started).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("an abort closes a transport that is open and waits for an answer", async () => {
    const both = race({ afterMs: 10, answersMs: "never" }, { afterMs: 10, answersMs: "never" });
    const abort = new AbortController();
    const opening = failure(both.race.open(new Greeter(both.paths), abort.signal));
    await vi.advanceTimersByTimeAsync(1_000);
    abort.abort("enough");
    expect(await opening).toBe("enough");
    expect(both.paths.map(({ closed }) => closed)).toEqual([1, 1]);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("a session that is carried on is asked for over one transport at a time", async () => {
    const silent = race({ afterMs: 20, answersMs: "never" }, { afterMs: 10 });
    expect(await run(silent, { exclusive: true })).toMatchObject({ opened: 1, greeted: [0, 1] });
    expect(silent.paths.map(({ closed }) => closed)).toEqual([1, 0]);
    expect(silent.race.choice?.contenders).toMatchObject([
      {
        outcome: "failed",
        endedMs: 1_520,
        error: { message: "Cannot use webtransport: no answer in 1500 ms" },
      },
      { outcome: "won", startedMs: 500, openedMs: 510, endedMs: 1_520 },
    ]);
    const slow = race({ afterMs: 20, answersMs: 1_400 }, { afterMs: 10 });
    expect(await run(slow, { exclusive: true })).toMatchObject({ opened: 0, greeted: [0] });
    expect(slow.paths.map(({ closed }) => closed)).toEqual([0, 1]);
    const failing = race({ afterMs: 600, fails: "no UDP" }, { afterMs: 10, answersMs: 300 });
    expect(await run(failing, { exclusive: true })).toMatchObject({ opened: 1, greeted: [1] });
  });

  test("each dial alone is no race", async () => {
    const both = race({}, { afterMs: 1 });
    const dialed = both.race.dials[1](new AbortController().signal);
    await vi.advanceTimersByTimeAsync(10);
    expect((await dialed).name).toBe("websocket");
    expect(both.paths[0].started).toEqual([]);
  });

  test("refuses a head start that is no time", () => {
    expect(() => race({}, {}, { headStartMs: Number.NaN })).toThrow(RangeError);
    expect(() => race({}, {}, { headStartMs: -1 })).toThrow("headStartMs");
  });
});
