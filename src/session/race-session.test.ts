import { createHash } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { race, type Way } from "../../test/contenders.ts";
import { accept } from "./accept.ts";
import { connectWith } from "./connect.ts";
import type { RaceOptions } from "./race.ts";
import type { Session } from "./session.ts";
import { SessionStore } from "./store.ts";

/** WebCrypto does not answer while the timers stand still. */
const digest = (token: Uint8Array) => new Uint8Array(createHash("sha256").update(token).digest());

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("Race of a session", () => {
  async function open(first: Way, second: Way, options: RaceOptions = {}) {
    const remembered: string[] = [];
    const both = race(first, second, { remember: (winner) => remembered.push(winner), ...options });
    const store = new SessionStore({ digest });
    for (const path of both.paths) path.serve = (transport) => accept(transport, { store });
    const connecting = connectWith(both.race, {
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

  test("one that opens and says nothing is left for one that answers", async () => {
    const both = race({ afterMs: 10 }, { afterMs: 10 });
    const store = new SessionStore({ digest });
    const accepted: Session[] = [];
    both.paths[1].serve = (transport) =>
      accept(transport, { store, onSession: (each) => void accepted.push(each) });
    const connecting = connectWith(both.race, { onSession: (session) => both.race.watch(session) });
    await vi.advanceTimersByTimeAsync(600);
    const session = await connecting;
    expect(session.stats()).toMatchObject({ transport: "websocket", dialMs: 10, handshakeMs: 0 });
    expect(both.paths[0].closed).toBe(1);
    expect(accepted).toHaveLength(1);
    await session.close();
  });

  test("what waits to be sent goes to the winner alone, and the loser leaves no session behind", async () => {
    const both = race({ afterMs: 10 }, { afterMs: 10 });
    const stores = [new SessionStore({ digest }), new SessionStore({ digest })] as const;
    const heard: string[] = [];
    for (const [place, path] of both.paths.entries())
      path.serve = (transport) =>
        accept(transport, {
          store: stores[place] as SessionStore,
          // The first one is let in late: it has lost by then.
          authenticate: () => (place === 0 ? new Promise((resolve) => setTimeout(resolve, 700)) : undefined),
          onSession: (each) => each.onStream("early", () => void heard.push(path.name)),
        });
    const connecting = connectWith(both.race, {
      onSession: (session) => {
        both.race.watch(session);
        void session.openStream("early").send(new Uint8Array(1));
      },
    });
    await vi.advanceTimersByTimeAsync(3_000);
    const session = await connecting;
    expect(session.stats().transport).toBe("websocket");
    expect(heard).toEqual(["websocket"]);
    expect(stores[0].stats().sessions).toBe(0);
    await session.close();
  });

  test("a session is carried on by the other one when the first one opens and says nothing", async () => {
    const { paths, session } = await open({ afterMs: 1 }, { afterMs: 1 });
    expect(session.stats().transport).toBe("webtransport");
    paths[0].serve = () => {};
    for (const each of paths[0].opened) each.close(1_000, "");
    vi.spyOn(Math, "random").mockReturnValue(0);
    await vi.advanceTimersByTimeAsync(4_000);
    expect(session.stats()).toMatchObject({ state: "open", transport: "websocket", resumes: 1 });
    await session.close();
  });
});
