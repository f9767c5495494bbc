import { describe, expect, test } from "vitest";
import { transportSuite } from "../../test/conformance/transport.ts";
import { Connection } from "../core/connection/connection.ts";
import { MAIN_LANE } from "../core/lanes/lane.ts";
import { resolveLimits } from "../core/limits.ts";
import { accept } from "../session/accept.ts";
import { connectWith } from "../session/connect.ts";
import { Drive } from "../transports/drive.ts";
import type { TransportEvents } from "../transports/transport.ts";
import { VirtualClock } from "./clock.ts";
import { type SimulatedLink, type SimulatedPairOptions, simulatedPair } from "./link.ts";

transportSuite("simulated", async () => {
  const link = simulatedPair({ latencyMs: 1, jitterMs: 2 });
  return { a: link.a, b: link.b, lose: () => link.cut(), cleanup: async () => link.cut() };
});

/** A started pair on a virtual clock, and what `b` hears. */
function started(options: SimulatedPairOptions = {}) {
  const clock = new VirtualClock();
  const link = simulatedPair({ ...options, clock });
  const heard: string[] = [];
  const events = (name: string): TransportEvents => ({
    data: (_lane, bytes) => heard.push(`${name} ${bytes.length} bytes at ${clock.now()}`),
    drain: () => heard.push(`${name} drain at ${clock.now()}`),
    lane: () => {},
    datagram: () => {},
    closed: (error) => heard.push(`${name} closed at ${clock.now()}: ${error?.code ?? "in order"}`),
  });
  link.a.start(events("a"));
  link.b.start(events("b"));
  return { clock, link, heard };
}

const write = ({ a }: SimulatedLink, bytes: number): boolean => a.write(MAIN_LANE, new Uint8Array(bytes));

describe("SimulatedLink", () => {
  test("a record takes its bytes at the bandwidth and the latency", () => {
    const { clock, heard, link } = started({ latencyMs: 50, bytesPerSecond: 1_000 });
    write(link, 100);
    write(link, 200);
    clock.runUntilIdle();
    expect(heard).toEqual(["b 100 bytes at 150", "b 200 bytes at 350"]);
  });

  test("stall() holds what has not left, and lets the rest arrive after it", () => {
    const { clock, heard, link } = started({ latencyMs: 10, bytesPerSecond: 1_000, bufferBytes: 50 });
    expect(write(link, 100)).toBe(false);
    clock.advanceTo(50);
    link.stall(1_000, "aToB");
    clock.runUntilIdle();
    expect(heard).toEqual(["a drain at 1100", "b 100 bytes at 1110"]);
  });

  test("cutAfter() delivers that many bytes where boundaries are not kept", () => {
    const { clock, heard, link } = started({ latencyMs: 1, messageBoundaries: false });
    link.cutAfter(150, "aToB");
    write(link, 100);
    write(link, 100);
    clock.runUntilIdle();
    expect(heard).toEqual([
      "b 100 bytes at 1",
      "b 50 bytes at 1",
      "a closed at 1: ERR_CONNECTION_LOST",
      "b closed at 1: ERR_CONNECTION_LOST",
    ]);
  });

  test("cutAfter() delivers whole records where boundaries are kept", () => {
    const { clock, heard, link } = started({ latencyMs: 1 });
    link.cutAfter(150, "aToB");
    write(link, 100);
    write(link, 100);
    clock.runUntilIdle();
    expect(heard.filter((line) => line.startsWith("b"))).toEqual([
      "b 100 bytes at 1",
      "b closed at 1: ERR_CONNECTION_LOST",
    ]);
  });

  test("cut() tells the ends at different times", () => {
    const { clock, heard, link } = started();
    link.cut({ skewMs: -30 });
    clock.runUntilIdle();
    expect(heard).toEqual(["b closed at 0: ERR_CONNECTION_LOST", "a closed at 30: ERR_CONNECTION_LOST"]);
  });

  test("vanish() says nothing to anyone", () => {
    const { clock, heard, link } = started();
    link.vanish();
    write(link, 10);
    clock.advanceTo(1_000_000);
    expect(heard).toEqual([]);
  });
});

describe("Drive", () => {
  test("gives up a transport that takes nothing, also while it closes", async () => {
    const clock = new VirtualClock();
    const link = simulatedPair({ clock, bufferBytes: 1 });
    const connection = new Connection({
      role: "client",
      limits: resolveLimits(),
      messageBoundaries: true,
      codecs: ["raw"],
      now: clock.now(),
    });
    const events: string[] = [];
    const drive = new Drive(connection, link.a, (event) => events.push(event.kind), clock);
    link.vanish();
    drive.start();
    await clock.advance(1);
    connection.close("ERR_OVERLOADED");
    await clock.advance(60_000);
    expect(events).toEqual(["closed"]);
    expect(connection.state).toBe("closed");
  });
});

describe("a session on a virtual clock", () => {
  test("connects again after a loss, without waiting for real time", async () => {
    const clock = new VirtualClock();
    const links: SimulatedLink[] = [];
    const dial = async () => {
      const link = simulatedPair({ clock, seed: links.length, latencyMs: 40 });
      links.push(link);
      accept(link.b, { clock });
      return link.a;
    };
    const connecting = connectWith(dial, { clock });
    await clock.advance(200);
    const session = await connecting;
    expect(session.state).toBe("open");
    links[0]?.cut();
    await clock.advance(1);
    expect(session.state).toBe("connecting");
    await clock.advance(60_000);
    expect([session.state, links.length]).toEqual(["open", 2]);
    const closing = session.close();
    await clock.advance(1_000);
    expect(await closing).toBeUndefined();
  });

  test("a peer that vanishes is given up", async () => {
    const clock = new VirtualClock();
    const link = simulatedPair({ clock });
    const served = accept(link.b, { clock });
    const connecting = connectWith(async () => link.a, { clock, reconnect: false });
    await clock.advance(100);
    const session = await connecting;
    link.vanish();
    await clock.advance(120_000);
    expect([session.state, served.state]).toEqual(["closed", "closed"]);
    expect(served.error?.code).toBe("ERR_TIMEOUT");
  });
});
