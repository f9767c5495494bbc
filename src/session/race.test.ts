import { createHash } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { failure } from "../../test/sessions.ts";
import { type MemoryTransport, memoryPair } from "../transports/memory.ts";
import type { Transport } from "../transports/transport.ts";
import { accept } from "./accept.ts";
import { connectWith } from "./connect.ts";
import { dialFirst } from "./dialing.ts";
import { Race, type RaceOptions, type TransportChoice } from "./race.ts";
import { SessionStore } from "./store.ts";

/** What a contender does: opens, or fails, after some time; never does either. */
interface Way {
  readonly afterMs?: number;
  readonly fails?: string;
}

/** A contender whose dials are counted. */
class Path {
  readonly name: "webtransport" | "websocket";
  way: Way;
  started: number[] = [];
  aborted = 0;
  closed = 0;
  readonly opened: Transport[] = [];
  serve: (transport: Transport) => void = () => {};

  constructor(name: "webtransport" | "websocket", way: Way) {
    this.name = name;
    this.way = way;
  }

  readonly dial = (signal: AbortSignal): Promise<Transport> => {
    this.started.push(performance.now());
    const { afterMs, fails } = this.way;
    return new Promise((resolve, reject) => {
      signal.addEventListener("abort", () => {
        this.aborted++;
        reject(signal.reason);
      });
      if (afterMs === undefined) return;
      setTimeout(() => {
        if (fails !== undefined) return reject(new Error(fails));
        const { a, b } = memoryPair();
        this.serve(b);
        const transport = named(a, this.name, () => this.closed++);
        this.opened.push(transport);
        resolve(transport);
      }, afterMs);
    });
  };
}

/** A transport under another name, that counts when it is closed. */
function named(
  transport: MemoryTransport,
  name: "webtransport" | "websocket",
  onClose: () => void,
): Transport {
  return {
    name,
    capabilities: transport.capabilities,
    start: (events) => transport.start(events),
    write: (lane, record) => transport.write(lane, record),
    bufferedBytes: (lane) => transport.bufferedBytes(lane),
    close: (code, reason) => {
      onClose();
      transport.close(code, reason);
    },
  };
}

/** WebCrypto does not answer while the timers stand still. */
const digest = (token: Uint8Array) => new Uint8Array(createHash("sha256").update(token).digest());

let choices: TransportChoice[];

function race(first: Way, second: Way, options: RaceOptions = {}) {
  const paths = [new Path("webtransport", first), new Path("websocket", second)] as const;
  choices = [];
  return { race: new Race(paths, { onChoice: (choice) => choices.push(choice), ...options }), paths };
}

async function run({ race }: { readonly race: Race }, signal: AbortSignal = new AbortController().signal) {
  const dialed = dialFirst(race.dials, [0, 1], signal);
  dialed.catch(() => {});
  await vi.advanceTimersByTimeAsync(10_000);
  return dialed;
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("Race", () => {
  test("takes the first contender when it opens in its head start, and never starts the other", async () => {
    const both = race({ afterMs: 499 }, { afterMs: 1 });
    const { transport, index } = await run(both);
    expect([transport.name, index]).toEqual(["webtransport", 0]);
    expect(both.paths[1].started).toEqual([]);
    expect(both.race.choice).toMatchObject({
      transport: "webtransport",
      reasons: [
        "webtransport has a head start of 500 ms",
        "webtransport opened in 499 ms",
        "websocket was not needed",
      ],
    });
  });

  test("takes the second contender when it is open first, and gives the other one up", async () => {
    const both = race({}, { afterMs: 30 });
    const { transport, index } = await run(both);
    expect([transport.name, index]).toEqual(["websocket", 1]);
    expect(both.paths.map(({ aborted, closed }) => [aborted, closed])).toEqual([
      [1, 0],
      [0, 0],
    ]);
    expect(choices).toEqual([both.race.choice]);
    expect(both.race.choice?.contenders).toEqual([
      { name: "webtransport", outcome: "lost", startedMs: 0, endedMs: 530 },
      { name: "websocket", outcome: "won", startedMs: 500, endedMs: 530 },
    ]);
  });

  test("starts the second contender as soon as the first one fails", async () => {
    const both = race({ afterMs: 20, fails: "no UDP" }, { afterMs: 30 });
    const { transport } = await run(both);
    expect(transport.name).toBe("websocket");
    expect(transport).toBe(both.paths[1].opened[0]);
    expect(both.paths[1].closed).toBe(0);
    expect(both.race.choice?.contenders[1]).toMatchObject({ startedMs: 20, endedMs: 50 });
    expect(both.race.choice?.reasons).toContain("webtransport failed after 20 ms: no UDP");
  });

  test("waits for the first contender when the second one fails", async () => {
    const both = race({ afterMs: 3_000 }, { afterMs: 1, fails: "no" });
    expect(await run(both)).toMatchObject({ index: 0 });
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
    expect(await run(both)).toMatchObject({ index: 1 });
    expect(path.opened).toHaveLength(1);
    expect(path.closed).toBe(1);
  });

  test("gives no head start when the second contender won last time", async () => {
    const both = race({ afterMs: 40 }, { afterMs: 30 }, { lastWinner: "websocket" });
    expect(await run(both)).toMatchObject({ index: 1 });
    expect(both.paths.map(({ started }) => started.length)).toEqual([1, 1]);
    expect(both.race.choice?.reasons[0]).toBe("no head start: websocket won last time");
  });

  test("an abort ends both, at any time", async () => {
    for (const at of [0, 100, 510]) {
      const both = race({}, {});
      const abort = new AbortController();
      const dialed = failure(dialFirst(both.race.dials, [0, 1], abort.signal));
      await vi.advanceTimersByTimeAsync(at);
      abort.abort("enough");
      await vi.advanceTimersByTimeAsync(20_000);
      expect(await dialed).toBe("enough");
      expect(both.paths[0].aborted).toBe(1);
      expect(both.paths[1].started).toHaveLength(at > 500 ? 1 : 0);
      expect(vi.getTimerCount()).toBe(0);
    }
  });

  test("closes what the second contender has opened when nobody asks for it", async () => {
    const both = race({}, { afterMs: 1 });
    const dialed = failure(dialFirst(both.race.dials, [0], new AbortController().signal));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await dialed).toMatchObject({ message: "Cannot use webtransport: websocket was faster" });
    expect(both.paths[1].closed).toBe(1);
  });

  test("the second dial alone is no race", async () => {
    const both = race({}, { afterMs: 1 });
    const dialed = dialFirst(both.race.dials, [1], new AbortController().signal);
    await vi.advanceTimersByTimeAsync(10);
    expect((await dialed).transport.name).toBe("websocket");
    expect(both.paths[0].started).toEqual([]);
  });

  test("refuses a head start that is no time", () => {
    expect(() => race({}, {}, { headStartMs: Number.NaN })).toThrow(RangeError);
    expect(() => race({}, {}, { headStartMs: -1 })).toThrow("headStartMs");
  });
});

describe("Race of a session", () => {
  async function open(first: Way, second: Way, options: RaceOptions = {}) {
    const remembered: string[] = [];
    const both = race(first, second, { remember: (winner) => remembered.push(winner), ...options });
    const store = new SessionStore({ digest });
    for (const path of both.paths) path.serve = (transport) => accept(transport, { store });
    const connecting = connectWith(both.race.dials, {
      upgradeMs: 5_000,
      onSession: (session) => both.race.watch(session),
    });
    await vi.advanceTimersByTimeAsync(1_500);
    return { ...both, remembered, session: await connecting };
  }

  test("moves up when the first contender works again, without a race", async () => {
    const { race, paths, session, remembered } = await open({ afterMs: 1, fails: "no" }, { afterMs: 1 });
    expect(session.stats().transport).toBe("websocket");
    expect(remembered).toEqual(["websocket"]);
    paths[0].way = { afterMs: 900 };
    await vi.advanceTimersByTimeAsync(6_000);
    expect(session.stats()).toMatchObject({ transport: "webtransport", migrations: 1 });
    expect(paths[1].started).toHaveLength(1);
    expect(remembered.at(-1)).toBe("webtransport");
    expect(race.choice?.reasons).toEqual(["moved from websocket to webtransport"]);
    await session.close();
  });

  test("an attempt to move up is given up in time for the other way", async () => {
    const { paths, session } = await open({ afterMs: 1, fails: "no" }, { afterMs: 1 });
    paths[0].way = {};
    await vi.advanceTimersByTimeAsync(8_000);
    expect(paths[0].started).toHaveLength(2);
    expect(paths[0].aborted).toBe(1);
    await session.close();
  });

  test("lets the other one go first when no session came to be over the winner", async () => {
    const both = race({ afterMs: 10 }, { afterMs: 10 });
    const store = new SessionStore({ digest });
    both.paths[1].serve = (transport) => accept(transport, { store }); // webtransport opens and says nothing
    const connecting = failure(
      connectWith(both.race.dials, { onSession: (session) => both.race.watch(session) }),
    );
    await vi.advanceTimersByTimeAsync(6_000);
    expect(await connecting).toMatchObject({ code: "ERR_TIMEOUT" });
    const again = await run(both);
    expect(again.transport.name).toBe("websocket");
    expect(both.race.choice?.reasons[0]).toMatch(/^websocket has the head start/);
  });
});
