import { afterEach, describe, expect, test, vi } from "vitest";
import { api, Network, record } from "../../test/dial-network.ts";
import { Deferred, failure, openSessions, settle, sleep, until } from "../../test/sessions.ts";
import {
  type ConnectOptions,
  client,
  connectWith,
  contract,
  type Dial,
  implement,
  TransportError,
  type,
  unary,
} from "../index.ts";
import { VirtualClock } from "../testing/clock.ts";
import type { Wakeups } from "./connector.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

/** A session whose first connection is lost, on a clock of its own. */
async function openAndLose(network: Network, options: ConnectOptions = {}, wakeups?: Wakeups) {
  vi.spyOn(Math, "random").mockReturnValue(0.5);
  const clock = new VirtualClock();
  const session = await connectWith(network.dial, { clock, ...options }, wakeups);
  const states = record(session);
  network.error = new TransportError("down", { code: "ERR_CONNECTION_LOST" });
  network.lose();
  await settle();
  return { clock, session, states };
}

describe("after a loss", () => {
  test("waits longer each time, tells so, and connects when it can", async () => {
    const network = new Network();
    const { clock, session, states } = await openAndLose(network);
    const delays: number[] = [];
    session.addEventListener("statechange", (event) => {
      if (event.error !== undefined) delays.push(event.retryInMs);
    });
    for (const wait of [50, 100, 200, 400]) {
      const dials: number = network.dials;
      clock.advanceTo(clock.now() + wait - 1);
      await settle();
      expect(network.dials).toBe(dials);
      clock.advanceTo(clock.now() + 1);
      await settle();
      expect(network.dials).toBe(dials + 1);
    }
    expect(delays).toEqual([100, 200, 400, 800]);
    network.error = undefined;
    clock.advanceTo(clock.now() + 800);
    await settle();
    const failed = "connecting ERR_CONNECTION_LOST";
    expect(states).toEqual([...Array.from({ length: 5 }, () => [failed, "connecting"]).flat(), "open"]);
    expect(session.stats().reconnects).toBe(1);
    expect(await client(session, api).add(1)).toBe(2);
    await session.close();
    expect(states.at(-1)).toBe("closed");
    await settle();
    expect(clock.waiting).toBe(0);
  });

  test("begins with short waits again once it was open", async () => {
    const network = new Network();
    const { clock, session } = await openAndLose(network);
    for (const wait of [50, 100]) {
      clock.advanceTo(clock.now() + wait);
      await settle();
    }
    network.error = undefined;
    clock.advanceTo(clock.now() + 200);
    await settle();
    expect(session.state).toBe("open");
    let delay = -1;
    session.addEventListener("statechange", (event) => (delay = event.retryInMs), {
      once: true,
    });
    network.lose();
    await settle();
    expect(delay).toBe(50);
    await session.close();
  });

  test("a wakeup retries at once, and is let go of", async () => {
    const network = new Network();
    const retries = new Set<() => void>();
    const wakeups: Wakeups = (retry) => {
      retries.add(retry);
      return () => retries.delete(retry);
    };
    const { clock, session } = await openAndLose(network, {}, wakeups);
    expect(retries.size).toBe(1);
    network.error = undefined;
    for (const retry of retries) retry();
    await settle();
    expect([session.state, network.dials, retries.size, clock.now()]).toEqual(["open", 2, 1, 0]);
    await session.close();
    await settle();
    expect(retries.size).toBe(0);
  });

  test("a wakeup while it is open asks the peer for a sign of life", async () => {
    const network = new Network();
    const clock = new VirtualClock();
    let wake = () => {};
    const wakeups: Wakeups = (retry) => {
      wake = retry;
      return () => {};
    };
    const session = await connectWith(network.dial, { clock }, wakeups);
    const { recordsSent, recordsReceived } = session.stats();
    wake();
    await settle();
    expect(session.stats()).toMatchObject({
      recordsSent: recordsSent + 1,
      recordsReceived: recordsReceived + 1,
    });
    await session.close();
  });

  test("gives up after maxAttempts with the last error", async () => {
    const network = new Network();
    const { clock, session } = await openAndLose(network, { reconnect: { maxAttempts: 2 } });
    for (const wait of [50, 100]) {
      clock.advanceTo(clock.now() + wait);
      await settle();
    }
    expect(network.dials).toBe(3);
    expect(await session.closed).toBe(network.error);
    expect(session.error).toBe(network.error);
  });

  test("does not connect again when told so", async () => {
    const network = new Network();
    const { session, states } = await openAndLose(network, { reconnect: false });
    expect(await session.closed).toMatchObject({ code: "ERR_CONNECTION_LOST" });
    expect([states, network.dials]).toEqual([["closed ERR_CONNECTION_LOST"], 1]);
  });

  test("does not connect again after ERR_AUTH", async () => {
    const network = new Network();
    const tokens: string[] = [];
    const { clock, session } = await openAndLose(network, {
      auth: () => {
        tokens.push("t");
        return "expired";
      },
    });
    network.error = undefined;
    network.options = {
      authenticate: () => {
        throw new Error("secret reason");
      },
    };
    clock.advanceTo(clock.now() + 50);
    expect(await session.closed).toMatchObject({ code: "ERR_AUTH", message: "Authentication failed" });
    expect([network.dials, tokens.length]).toEqual([2, 2]);
  });

  test("close() while it waits, or dials, ends it for good", async () => {
    const network = new Network();
    const { clock, session } = await openAndLose(network);
    await session.close();
    expect([session.state, clock.waiting]).toEqual(["closed", 0]);

    const second = new Network();
    const gate = new Deferred();
    const dial: Dial = async (signal) => {
      if (second.dials > 0) await gate.promise;
      return second.dial(signal);
    };
    const other = await connectWith(dial, { reconnect: { minMs: 0 } });
    second.lose();
    await sleep(10);
    const states = record(other);
    await other.close();
    gate.resolve();
    await sleep(10);
    expect([other.state, states]).toEqual(["closed", ["closed"]]);
    await until(() => second.servers.every((server) => server.state === "closed"));
  });

  test("streams fail with ERR_CONNECTION_LOST, ping too", async () => {
    const network = new Network();
    network.options = { onSession: (server) => server.onStream("hold", () => new Promise(() => {})) };
    const session = await connectWith(network.dial);
    const stream = session.openStream("hold");
    await stream.send(new Uint8Array(1));
    const reading = failure(stream.receive());
    const closing = failure(stream.close());
    const ping = failure(session.ping());
    network.lose();
    for (const error of await Promise.all([reading, closing, ping])) {
      expect(error).toMatchObject({ code: "ERR_CONNECTION_LOST" });
    }
    expect(await failure(stream.send(new Uint8Array(1)))).toMatchObject({ code: "ERR_CONNECTION_LOST" });
    expect(await failure(session.ping())).toMatchObject({ code: "ERR_STATE" });
    await session.close();
  });

  test("calls that are made meanwhile wait for the next connection", async () => {
    const network = new Network();
    const { clock, session } = await openAndLose(network);
    const calls = client(session, api);
    const first = calls.add(1);
    clock.advanceTo(clock.now() + 50);
    await settle();
    const second = calls.add(2);
    network.error = undefined;
    clock.advanceTo(clock.now() + 100);
    expect(await Promise.all([first, second])).toEqual([2, 3]);
    expect(network.dials).toBe(3);
    await session.close();
  });

  test("a call that waits can be cancelled, and passes its deadline", async () => {
    const network = new Network();
    const { clock, session } = await openAndLose(network);
    const calls = client(session, api);
    const abort = new AbortController();
    const cancelled = failure(calls.add(1, { signal: abort.signal }));
    const late = failure(calls.add(1, { deadlineMs: 10 }));
    abort.abort();
    clock.advanceTo(clock.now() + 10);
    expect(await cancelled).toMatchObject({ code: "ERR_CANCELLED" });
    expect(await late).toMatchObject({ code: "ERR_DEADLINE" });
    network.error = undefined;
    clock.advanceTo(clock.now() + 100);
    await settle();
    expect(network.servers.at(-1)?.stats().streams).toBe(0);
    await session.close();
  });

  test("stats() go on where they were", async () => {
    const network = new Network();
    const session = await connectWith(network.dial, { reconnect: { minMs: 0 } });
    await client(session, api).add(1);
    const before = session.stats();
    network.lose();
    await until(() => session.state === "open" && network.dials === 2);
    const after = session.stats();
    expect(after.bytesSent).toBeGreaterThan(before.bytesSent);
    expect(after.recordsReceived).toBeGreaterThan(before.recordsReceived);
    expect(after.reconnects).toBe(1);
    await session.close();
  });
});

describe("a peer that goes away", () => {
  test("finishes what is open; new calls go to the next connection, which is there before the end", async () => {
    const network = new Network();
    const gate = new Deferred();
    const slow = contract({ slow: unary({ input: type<string>(), output: type<string>() }) });
    let servers = 0;
    network.options = {
      onSession: (session) => {
        const name = `server ${++servers}`;
        implement(slow, {
          slow: async (text) => {
            if (text === "wait") await gate.promise;
            return name;
          },
        }).attach(session);
      },
    };
    const session = await connectWith(network.dial, { reconnect: { minMs: 0 } });
    const states = record(session);
    const calls = client(session, slow);
    const open = calls.slow("wait");
    await settle();
    network.servers[0]?.goAway("Update", 5);
    await settle();
    expect(await calls.slow("now")).toBe("server 2");
    expect([network.dials, states]).toEqual([2, ["open"]]);
    expect(session.resumed).toEqual({ resumed: false, reason: "going away" });
    gate.resolve();
    expect(await open).toBe("server 1");
    expect(await network.servers[0]?.closed).toBe(undefined);
    expect([session.state, states]).toEqual(["open", ["open"]]);
    await session.close();
  });

  test("is left at once when nothing is open, after the delay that it asks for", async () => {
    vi.spyOn(Math, "random").mockReturnValue(0.5);
    const clock = new VirtualClock();
    const network = new Network();
    const session = await connectWith(network.dial, { clock });
    network.servers[0]?.goAway("Update", 7_000);
    await until(() => session.state === "connecting");
    clock.advanceTo(7_049);
    await settle();
    expect(network.dials).toBe(1);
    clock.advanceTo(7_050);
    await until(() => session.state === "open");
    expect(network.dials).toBe(2);
    await session.close();
  });

  test("takes no new calls from a client that does not connect again", async () => {
    const network = new Network();
    const gate = new Deferred();
    const hold = contract({ hold: unary({ input: type<void>(), output: type<void>() }) });
    network.options = { onSession: (s) => implement(hold, { hold: () => gate.promise }).attach(s) };
    const session = await connectWith(network.dial, { reconnect: false });
    const calls = client(session, hold);
    const open = calls.hold();
    await settle();
    network.servers[0]?.goAway("Update", 0);
    await settle();
    expect(await failure(calls.hold())).toMatchObject({ code: "ERR_GOING_AWAY" });
    gate.resolve();
    await open;
    await session.closed;
  });

  test("that closes with ERR_GOING_AWAY is connected to again", async () => {
    const network = new Network();
    const session = await connectWith(network.dial, { reconnect: { minMs: 0 } });
    await network.servers[0]?.shutDown("ERR_GOING_AWAY", "Update");
    await until(() => network.dials === 2 && session.state === "open");
    await session.close();
  });

  test("that closes in order ends the session", async () => {
    const { client: session, server } = await openSessions();
    await server.close();
    expect(await session.closed).toBe(undefined);
    expect([session.state, session.error, session.signal.aborted]).toEqual(["closed", undefined, true]);
  });
});
