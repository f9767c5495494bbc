import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { FakeLane, FakeSession, startLogged } from "../../test/fake-webtransport.ts";
import type { Bytes } from "../core/bytes.ts";
import { MAIN_LANE } from "../core/lanes/lane.ts";
import { WebTransportTransport } from "./webtransport.ts";

describe("WebTransportTransport", () => {
  const settle = () => vi.advanceTimersByTimeAsync(0);

  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test("close() before there is a lane closes the session", async () => {
    const session = new FakeSession();
    const transport = new WebTransportTransport(session, new Promise(() => {}));
    const log = startLogged(transport);
    await settle();
    transport.close(1_000, "bye");
    await settle();
    expect(session.closes).toEqual([{ closeCode: 1_000, reason: "bye" }]);
    expect(log).toEqual(["closed"]);
  });

  test("close() waits for what was written, and for the end of the peer's stream", async () => {
    const session = new FakeSession();
    const lane = new FakeLane(true);
    const transport = new WebTransportTransport(session, lane);
    const log = startLogged(transport);
    await settle();
    transport.write(MAIN_LANE, new Uint8Array([1]));
    transport.close(4_001, "why");
    lane.arrives.close();
    await settle();
    expect(session.closes).toEqual([]);
    lane.taken.shift()?.();
    await settle();
    expect(lane.ended).toBe(true);
    expect(session.closes).toEqual([{ closeCode: 4_001, reason: "why" }]);
    expect(log).toEqual(["closed"]);
  });

  test("close() does not wait for ever", async () => {
    const session = new FakeSession();
    const lane = new FakeLane(true);
    const transport = new WebTransportTransport(session, lane, { closeMs: 5_000, lingerMs: 500 });
    const log = startLogged(transport);
    await settle();
    transport.write(MAIN_LANE, new Uint8Array(1));
    transport.close(1_000, "");
    await vi.advanceTimersByTimeAsync(4_000);
    lane.taken.shift()?.();
    await vi.advanceTimersByTimeAsync(499);
    expect(session.closes).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(session.closes).toEqual([{ closeCode: 1_000, reason: "" }]);
    expect(log).toEqual(["closed"]);
  });

  test("close() gives up what the runtime does not take", async () => {
    const session = new FakeSession();
    const transport = new WebTransportTransport(session, new FakeLane(true), { closeMs: 5_000 });
    const log = startLogged(transport);
    await settle();
    transport.write(MAIN_LANE, new Uint8Array(1));
    transport.close(1_000, "");
    await vi.advanceTimersByTimeAsync(5_000);
    expect(session.closes).toHaveLength(1);
    expect(log).toEqual(["closed"]);
  });

  test("close() waits for nothing when the peer has said that it is over", async () => {
    const session = new FakeSession();
    const transport = new WebTransportTransport(session, new FakeLane(true));
    const log = startLogged(transport);
    await settle();
    transport.write(MAIN_LANE, new Uint8Array(1));
    transport.peerClosed();
    transport.close(1_000, "");
    expect(session.closes).toEqual([]);
    await settle();
    expect(session.closes).toHaveLength(1);
    expect(log).toEqual(["closed"]);
  });

  test("the end of the peer's stream is answered; the session is closed by who ended first", async () => {
    const session = new FakeSession();
    const lane = new FakeLane();
    const log = startLogged(new WebTransportTransport(session, lane));
    await settle();
    lane.arrives.enqueue(Buffer.from([5]));
    lane.arrives.close();
    await settle();
    expect([lane.ended, session.closes]).toEqual([true, []]);
    session.end({ closeCode: 4_001, reason: "Bad" });
    await settle();
    expect(log).toEqual(["data 5", "closed Cannot continue on WebTransport: closed with code 4001, Bad"]);
  });

  test.each<[string, (session: FakeSession, lane: FakeLane) => void, string]>([
    ["closed in order", (session) => session.end({ closeCode: 1_000, reason: "" }), "closed"],
    ["closed without a code", (session) => session.end({}), "closed with code 0"],
    ["lost", (session) => session.lose(new Error("no route")), "session lost, no route"],
    ["broken in its reading", (_, lane) => lane.arrives.error(new Error("reset")), "stream lost, reset"],
    [
      "broken, and the session says why",
      (session, lane) => {
        lane.arrives.error(new Error("reset"));
        session.end({ closeCode: 1_000 });
      },
      "closed",
    ],
  ])("tells that the session was %s", async (_, happen, text) => {
    const session = new FakeSession();
    const lane = new FakeLane();
    const log = startLogged(new WebTransportTransport(session, lane));
    await settle();
    happen(session, lane);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(log).toEqual([text === "closed" ? text : `closed Cannot continue on WebTransport: ${text}`]);
  });

  test("a writing that breaks is a loss", async () => {
    const session = new FakeSession();
    const lane = new FakeLane();
    const transport = new WebTransportTransport(session, lane);
    const log = startLogged(transport);
    await settle();
    lane.fails.error(new Error("stopped"));
    for (let i = 0; i < 3; i++) transport.write(MAIN_LANE, new Uint8Array(1) as Bytes);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(log).toEqual(["closed Cannot continue on WebTransport: stream lost, stopped"]);
    expect(session.closes).toHaveLength(1);
  });

  test("an end before start() is told after it", async () => {
    const session = new FakeSession();
    const transport = new WebTransportTransport(session, new FakeLane());
    session.end({ closeCode: 1_000 });
    await settle();
    const log = startLogged(transport);
    expect(log).toEqual([]);
    await settle();
    expect(log).toEqual(["closed"]);
  });
});
