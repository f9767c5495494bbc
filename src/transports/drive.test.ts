import { describe, expect, test, vi } from "vitest";
import { settle } from "../../test/sessions.ts";
import type { Bytes } from "../core/bytes.ts";
import { Connection } from "../core/connection/connection.ts";
import { TransportError } from "../core/errors.ts";
import type { SessionEvent } from "../core/events.ts";
import { type LaneId, MAIN_LANE } from "../core/lanes/lane.ts";
import { resolveLimits } from "../core/limits.ts";
import type { Role } from "../core/streams/stream-table.ts";
import { VirtualClock } from "../testing/clock.ts";
import { Drive, SYSTEM_CLOCK } from "./drive.ts";
import { memoryPair } from "./memory.ts";
import {
  DATAGRAM_LANE,
  type Transport,
  type TransportCapabilities,
  type TransportEvents,
} from "./transport.ts";

/** A transport of which the test holds every end. */
class ManualTransport implements Transport {
  readonly name = "memory";
  readonly capabilities: TransportCapabilities = {
    lanes: 1,
    datagrams: false,
    messageBoundaries: true,
    transfer: false,
    inboundPause: false,
  };
  readonly records: Bytes[] = [];
  readonly closes: [number, string][] = [];
  events!: TransportEvents;
  /** What `write` answers. */
  hasRoom = true;

  start(events: TransportEvents): void {
    this.events = events;
  }

  write(_lane: LaneId, record: Bytes): boolean {
    this.records.push(record);
    return this.hasRoom;
  }

  bufferedBytes(): number {
    return 0;
  }

  close(code: number, reason: string): void {
    this.closes.push([code, reason]);
  }
}

function connection(role: Role, now: number): Connection {
  return new Connection({ role, messageBoundaries: true, limits: resolveLimits(), codecs: ["raw"], now });
}

/** A client on a manual transport, talking to a bare connection that the test moves. */
async function openManual() {
  const clock = new VirtualClock(1_000);
  const transport = new ManualTransport();
  const client = connection("client", clock.now());
  const server = connection("server", clock.now());
  const events: SessionEvent[] = [];
  const drive = new Drive(client, transport, (event) => events.push(event), clock);
  drive.start();
  await settle(1);
  let taken = 0;
  const pump = async () => {
    for (; taken < transport.records.length; taken++)
      server.receive(0 as LaneId, transport.records[taken] as Bytes, clock.now());
    for (let event = server.poll(); event !== undefined; event = server.poll()) {
      if (event.kind === "authenticate") server.accept({ sessionId: new Uint8Array(16) }, clock.now());
    }
    for (;;) {
      const record = server.takeOutput(0 as LaneId, 1 << 16, clock.now());
      if (record === undefined) break;
      transport.events.data(0 as LaneId, record);
    }
    await settle(1);
  };
  await pump();
  return { clock, transport, client, server, events, drive, pump };
}

/** The lengths of the datagrams that a connection hears in these records. */
function heard(server: Connection, records: readonly Bytes[]): number[] {
  const lengths: number[] = [];
  for (const record of records) server.receive(MAIN_LANE, record, 0);
  for (let event = server.poll(); event !== undefined; event = server.poll())
    if (event.kind === "datagram") lengths.push(event.payload.length);
  return lengths;
}

function open(client: Connection) {
  return client.mux.open({ name: "a", priority: 3, metadata: new Uint8Array(0) });
}

describe("Drive", () => {
  test("two of them shake hands over a transport", async () => {
    const { a, b } = memoryPair();
    const client = connection("client", performance.now());
    const server = connection("server", performance.now());
    new Drive(client, a, () => {}).start();
    new Drive(server, b, (event) => {
      if (event.kind === "authenticate") server.accept({ sessionId: new Uint8Array(16) }, performance.now());
    }).start();
    await settle();
    expect([client.state, server.state]).toEqual(["open", "open"]);
    client.close();
    await settle();
    expect([client.state, server.state]).toEqual(["closed", "closed"]);
  });

  test("what one task sends leaves as one record", async () => {
    const { client, transport } = await openManual();
    const before = transport.records.length;
    const stream = open(client);
    for (let i = 0; i < 10; i++) stream.trySend(new Uint8Array([i]));
    Promise.resolve().then(() => stream.trySend(new Uint8Array([10])));
    expect(transport.records.length).toBe(before);
    await settle(1);
    expect(transport.records.length).toBe(before + 1);
  });

  /** What a call of 64 bytes sends. */
  function call(client: Connection) {
    const stream = open(client);
    stream.trySend(new Uint8Array(64));
    stream.finish();
  }

  test("of many calls the first leave while the others are still made", async () => {
    const { client, server, transport } = await openManual();
    const before = transport.records.length;
    for (let i = 0; i < 100; i++) call(client);
    const early = transport.records.slice(before);
    expect(early.length).toBe(2);
    await settle(1);
    const records = transport.records.slice(before);
    expect(records.length).toBe(3);
    const finished = records.map((record) => {
      server.receive(MAIN_LANE, record, 0);
      const streams = [...server.mux.table.values()];
      expect(streams.every(({ receive }) => receive.finished)).toBe(true); // no call is cut in two
      return streams.length;
    });
    expect(finished).toEqual([25, 75, 100]);
  });

  test("of many answers the first leave while the others are still made", async () => {
    const { client, server, transport, events, pump } = await openManual();
    const calls = Array.from({ length: 100 }, () => open(server));
    for (const stream of calls) stream.finish();
    await pump();
    const before = transport.records.length;
    for (const event of events) {
      if (event.kind !== "stream") continue;
      event.stream.trySend(new Uint8Array(64));
      event.stream.finish();
    }
    expect(transport.records.length).toBe(before + 2);
    await settle(1);
    const answered = transport.records.slice(before).map((record) => {
      server.receive(MAIN_LANE, record, 0);
      const begun = calls.filter(({ receive }) => receive.finished || receive.waiting > 0);
      expect(begun.every(({ receive }) => receive.finished)).toBe(true); // no answer is cut in two
      return begun.length;
    });
    expect(answered.length).toBe(3);
    expect(answered.at(-1)).toBe(100);
    expect(client.state).toBe("open");
  });

  test("what waits for credit makes no call leave earlier", async () => {
    const { client, transport } = await openManual();
    const starved = open(client);
    starved.trySend(new Uint8Array(1024 * 1024));
    await settle(1);
    expect(client.mux.outbox.queuedBytes).toBeGreaterThan(100_000);
    const before = transport.records.length;
    for (let i = 0; i < 20; i++) call(client);
    expect(transport.records.length).toBe(before);
    await settle(1);
    expect(transport.records.length).toBe(before + 1);
  });

  test("of many calls none leaves while the transport is full", async () => {
    const { client, transport } = await openManual();
    transport.hasRoom = false;
    call(client);
    await settle(1);
    const before = transport.records.length;
    for (let i = 0; i < 100; i++) call(client);
    await settle(1);
    expect(transport.records.length).toBe(before);
    transport.hasRoom = true;
    transport.events.drain(MAIN_LANE);
    await settle(1);
    expect(transport.records.length).toBe(before + 1);
  });

  test("stops writing while the transport is full, and goes on at drain", async () => {
    const { client, transport } = await openManual();
    const before = transport.records.length;
    transport.hasRoom = false;
    const stream = open(client);
    stream.trySend(new Uint8Array(200_000));
    await settle();
    expect(transport.records.length).toBe(before + 1);
    transport.hasRoom = true;
    transport.events.drain(0 as LaneId);
    await settle();
    expect(transport.records.length).toBe(before + 4);
  });

  test("datagrams go past the lane where the transport carries them, as far as it takes them", async () => {
    const { client, server, transport, events } = await openManual();
    const seen = transport.records.length;
    const sent: number[] = [];
    const native = { room: 2, maxDatagramBytes: 100 };
    Object.defineProperty(transport, "maxDatagramBytes", { get: () => native.maxDatagramBytes });
    Object.assign(transport, {
      writeDatagram: (payload: Bytes) => {
        sent.push(payload.length);
        return --native.room > 0;
      },
    });
    for (const size of [1, 101, 2, 3]) client.sendDatagram(new Uint8Array(size));
    await settle();
    expect(sent).toEqual([1, 2]);
    expect(heard(server, transport.records.slice(seen))).toEqual([101]);
    native.room = 9;
    transport.events.drain(MAIN_LANE);
    await settle();
    expect(sent).toEqual([1, 2]);
    transport.events.drain(DATAGRAM_LANE);
    await settle();
    expect(sent).toEqual([1, 2, 3]);

    transport.events.datagram(new Uint8Array([7]));
    expect(events.at(-1)).toMatchObject({ kind: "datagram", payload: new Uint8Array([7]) });
    transport.events.datagram(new Uint8Array(2_000));
    expect(client.counters.datagramsRefused).toBe(1);
  });

  test("a datagram that waits too long for a full transport is dropped and counted", async () => {
    const { client, server, transport, clock } = await openManual();
    transport.hasRoom = false;
    client.ping();
    await settle();
    const seen = transport.records.length;
    client.sendDatagram(new Uint8Array(1));
    await settle();
    await clock.advance(900);
    client.sendDatagram(new Uint8Array(2));
    await settle();
    await clock.advance(101);
    transport.hasRoom = true;
    transport.events.drain(MAIN_LANE);
    await settle();
    expect(client.datagrams.dropped).toBe(1);
    expect(heard(server, transport.records.slice(seen))).toEqual([2]);
  });

  test("gives up a transport that takes nothing for 20 s", async () => {
    const { client, transport, clock, events } = await openManual();
    transport.hasRoom = false;
    open(client).trySend(new Uint8Array(200_000));
    await settle();
    clock.advanceTo(20_999);
    expect(client.state).toBe("open");
    clock.advanceTo(21_000);
    expect(events.at(-1)).toMatchObject({ kind: "closed", error: { code: "ERR_TIMEOUT" } });
    expect(transport.closes).toEqual([[4_008, "Transport took no bytes for 20 s"]]);
    expect(clock.waiting).toBe(0);
  });

  test("writes CLOSE as the last record, also while the transport is full", async () => {
    for (const hasRoom of [true, false]) {
      const { client, transport, clock } = await openManual();
      transport.hasRoom = hasRoom;
      open(client).trySend(new Uint8Array(200_000));
      await settle();
      client.close("ERR_OVERLOADED", "full");
      await settle();
      expect(Buffer.from(transport.records.at(-1) as Bytes).toString("latin1")).toMatch(/full$/);
      expect(transport.closes).toEqual([[4_013, "full"]]);
      expect([client.state, clock.waiting]).toEqual(["closed", 0]);
    }
  });

  test("abandon() closes both ends with its error, once", async () => {
    const { client, transport, events, drive, clock } = await openManual();
    const error = new TransportError("enough");
    drive.abandon(error);
    transport.events.closed();
    await settle();
    expect(events.filter((event) => event.kind === "closed")).toEqual([
      { kind: "closed", error, resumable: false },
    ]);
    expect([client.state, clock.waiting]).toEqual(["closed", 0]);
    expect(transport.closes.length).toBe(1);
  });

  test("a transport that closes without CLOSE is a lost connection", async () => {
    const { transport, events, clock } = await openManual();
    transport.events.closed();
    expect(events.at(-1)).toMatchObject({ kind: "closed", error: { code: "ERR_CONNECTION_LOST" } });
    expect(clock.waiting).toBe(0);
  });

  test("keeps one timer, and asks a silent peer before it gives up", async () => {
    const { transport, clock, client, pump } = await openManual();
    for (let i = 0; i < 5; i++) {
      const stream = open(client);
      stream.trySend(new Uint8Array(1));
      await pump();
      expect(clock.waiting).toBeLessThanOrEqual(1);
    }
    const before = transport.records.length;
    clock.advanceTo(clock.now() + 22_500);
    await settle();
    expect(transport.records.length).toBe(before + 1);
    clock.advanceTo(clock.now() + 50_000);
    await settle();
    expect(client.error).toMatchObject({ code: "ERR_TIMEOUT" });
    expect(clock.waiting).toBe(0);
  });

  test("a process that was held up asks its peer before it judges (F11)", async () => {
    const { clock, client, pump } = await openManual();
    const held = client.deadline;
    const late = vi.spyOn(clock, "now").mockReturnValue(held + 600_000);
    clock.advanceTo(held);
    await settle();
    expect(client.state).toBe("open");
    await pump();
    expect(client.keepAlive.roundTripMs).toBe(0);
    late.mockRestore();
    expect(client.state).toBe("open");
  });
});

describe("SYSTEM_CLOCK", () => {
  test("does not call at once for a time that timers cannot hold", async () => {
    let calls = 0;
    const handles = [2 ** 31, 1e12, Number.POSITIVE_INFINITY].map((ms) =>
      SYSTEM_CLOCK.schedule(() => calls++, ms),
    );
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(calls).toBe(0);
    for (const handle of handles) SYSTEM_CLOCK.cancel(handle);
  });
});
