import { Http2Server, WebTransport } from "@fails-components/webtransport";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ChaosProxy } from "../../test/chaos/proxy.ts";
import { type OpenTransports, transportSuite } from "../../test/conformance/transport.ts";
import { Framed } from "../../test/framed.ts";
import { makeCertificate } from "../../test/wt-pair.ts";
import type { Bytes } from "../core/bytes.ts";
import { type LaneId, MAIN_LANE } from "../core/lanes/lane.ts";
import { DATAGRAM_LANE } from "./transport.ts";
import {
  acceptLane,
  type WebTransportLane,
  type WebTransportSession,
  WebTransportTransport,
} from "./webtransport.ts";

const certificate = makeCertificate();
const WINDOWS = { initialStreamFlowControlWindow: 1_048_576, initialSessionFlowControlWindow: 16_777_216 };

async function openHttp2(): Promise<OpenTransports> {
  const server = new Http2Server({
    host: "127.0.0.1",
    port: 0,
    secret: "test",
    cert: certificate.cert,
    privKey: certificate.key,
    ...WINDOWS,
  });
  const sessions = server.sessionStream("/").getReader();
  server.startServer();
  await server.ready;
  const proxy = await ChaosProxy.open(server.address()?.port ?? 0);
  const client = new WebTransport(`https://127.0.0.1:${proxy.port}/`, {
    serverCertificateHashes: [{ algorithm: "sha-256", value: certificate.hash }],
    forceReliable: true,
    ...WINDOWS,
  } as object) as unknown as WebTransportSession & { readonly ready: Promise<void> };
  const { value: accepted } = await sessions.read();
  await Promise.all([client.ready, accepted?.ready]);
  const peer = accepted as unknown as WebTransportSession;
  return {
    a: new Framed(new WebTransportTransport(client, await client.createBidirectionalStream())),
    b: new Framed(new WebTransportTransport(peer, acceptLane(peer))),
    lose: () => proxy.strike("reset"),
    cleanup: async () => {
      client.close();
      await proxy.close();
      server.stopServer();
    },
  };
}

transportSuite("WebTransportTransport over HTTP/2", openHttp2);

/** One end of a stream whose other end is the test. */
class FakeLane implements WebTransportLane {
  readonly written: Uint8Array[] = [];
  ended = false;
  /** Resolve what was written last. */
  readonly taken: (() => void)[] = [];
  arrives!: ReadableStreamDefaultController<Uint8Array>;
  fails!: WritableStreamDefaultController;
  readonly readable = new ReadableStream<Uint8Array>({
    start: (controller) => {
      this.arrives = controller;
    },
  });
  readonly writable: WritableStream<Uint8Array>;

  constructor(slow = false) {
    this.writable = new WritableStream({
      start: (controller) => {
        this.fails = controller;
      },
      write: (chunk) => {
        this.written.push(chunk);
        return slow ? new Promise((resolve) => this.taken.push(resolve)) : undefined;
      },
      close: () => {
        this.ended = true;
      },
    });
  }
}

/** A session whose other end is the test. */
class FakeSession implements WebTransportSession {
  readonly closes: unknown[] = [];
  readonly sent: Uint8Array[] = [];
  readonly letGo: (() => void)[] = [];
  arrives!: ReadableStreamDefaultController<Uint8Array>;
  end!: (info: { closeCode?: number; reason?: string }) => void;
  lose!: (error: unknown) => void;
  readonly closed = new Promise<{ closeCode?: number; reason?: string }>((resolve, reject) => {
    this.end = resolve;
    this.lose = reject;
  });
  readonly datagrams: WebTransportSession["datagrams"];
  readonly incomingBidirectionalStreams: ReadableStream<WebTransportLane>;

  constructor(
    dialect: "writable" | "createWritable" | "none" = "writable",
    incoming: WebTransportLane[] = [],
  ) {
    const make = () =>
      new WritableStream<Uint8Array>({
        write: (chunk) => {
          this.sent.push(chunk);
          return new Promise((resolve) => this.letGo.push(resolve));
        },
      });
    this.datagrams = {
      readable: new ReadableStream<Uint8Array>({
        start: (controller) => {
          this.arrives = controller;
        },
      }),
      maxDatagramSize: 1_000,
      ...(dialect === "writable" ? { writable: make() } : {}),
      ...(dialect === "createWritable" ? { createWritable: make } : {}),
    };
    this.incomingBidirectionalStreams = new ReadableStream({
      start: (controller) => {
        for (const lane of incoming) controller.enqueue(lane);
        controller.close();
      },
    });
  }

  readonly made: FakeLane[] = [];

  createBidirectionalStream(): Promise<WebTransportLane> {
    const lane = new FakeLane(true);
    this.made.push(lane);
    return Promise.resolve(lane);
  }

  close(info: unknown): void {
    this.closes.push(info);
    this.end({});
  }
}

describe("WebTransportTransport", () => {
  let log: string[];

  function start(transport: WebTransportTransport): void {
    log = [];
    transport.start({
      data: (_lane, bytes) => log.push(`data ${bytes.join()}`),
      drain: (lane) => log.push(lane === DATAGRAM_LANE ? "drain datagrams" : "drain"),
      lane: () => log.push("lane"),
      datagram: (bytes) => log.push(`datagram ${bytes.join()}`),
      closed: (error) => log.push(`closed ${error?.message ?? ""}`.trim()),
    });
  }

  const settle = () => vi.advanceTimersByTimeAsync(0);

  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test.each(["writable", "createWritable"] as const)("sends datagrams by %s, and waits", async (dialect) => {
    const session = new FakeSession(dialect);
    const transport = new WebTransportTransport(session, new FakeLane());
    start(transport);
    await settle();
    expect(transport.maxDatagramBytes).toBe(1_000);
    let sent = 1;
    while (transport.writeDatagram(new Uint8Array([sent]))) sent++;
    expect(sent).toBe(16);
    await settle();
    while (session.letGo.length > 0) {
      session.letGo.shift()?.();
      await settle();
    }
    expect(session.sent.map(([number]) => number)).toEqual(Array.from({ length: 16 }, (_, at) => at + 1));
    expect(log).toEqual(["drain datagrams"]);
    session.arrives.enqueue(new Uint8Array([7, 8]));
    await settle();
    expect(log.at(-1)).toBe("datagram 7,8");
  });

  test("says that it can send no datagram where the engine has no writer", () => {
    const transport = new WebTransportTransport(new FakeSession("none"), new FakeLane());
    expect(transport.maxDatagramBytes).toBe(0);
    expect(transport.writeDatagram(new Uint8Array(1))).toBe(true);
  });

  test("acceptLane() takes the first stream and no other", async () => {
    const lanes = [new FakeLane(), new FakeLane()];
    expect(await acceptLane(new FakeSession("writable", lanes))).toBe(lanes[0]);
    await expect(acceptLane(new FakeSession())).rejects.toThrow("its peer opened no stream");
  });

  test("keeps what is written until the peer has opened the lane", async () => {
    let open!: (lane: WebTransportLane) => void;
    const lane = new FakeLane();
    const transport = new WebTransportTransport(
      new FakeSession(),
      new Promise((resolve) => {
        open = resolve;
      }),
    );
    start(transport);
    await settle();
    transport.write(MAIN_LANE, new Uint8Array([1]));
    transport.write(MAIN_LANE, new Uint8Array([2]));
    expect(transport.bufferedBytes(MAIN_LANE)).toBe(2);
    open(lane);
    await settle();
    expect(lane.written.map((record) => record[0])).toEqual([1, 2]);
    expect(transport.bufferedBytes(MAIN_LANE)).toBe(0);
  });

  test("close() before there is a lane closes the session", async () => {
    const session = new FakeSession();
    const transport = new WebTransportTransport(session, new Promise(() => {}));
    start(transport);
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
    start(transport);
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
    start(transport);
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
    start(transport);
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
    start(transport);
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
    start(new WebTransportTransport(session, lane));
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
    start(new WebTransportTransport(session, lane));
    await settle();
    happen(session, lane);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(log).toEqual([text === "closed" ? text : `closed Cannot continue on WebTransport: ${text}`]);
  });

  test("a writing that breaks is a loss", async () => {
    const session = new FakeSession();
    const lane = new FakeLane();
    const transport = new WebTransportTransport(session, lane);
    start(transport);
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
    start(transport);
    expect(log).toEqual([]);
    await settle();
    expect(log).toEqual(["closed"]);
  });

  test("opens lanes of its own, each with its own backpressure", async () => {
    const session = new FakeSession();
    const transport = new WebTransportTransport(session, new FakeLane(), { highWaterBytes: 4 });
    const drained: number[] = [];
    log = [];
    transport.start({
      data: () => {},
      drain: (lane) => drained.push(lane),
      lane: () => {},
      datagram: () => {},
      closed: (error) => log.push(`closed ${error?.message ?? ""}`),
    });
    await settle();
    const lane = transport.openLane();
    expect([lane, transport.openLane()]).toEqual([1, 2]);
    expect(transport.write(lane, new Uint8Array([1, 2, 3, 4, 5]))).toBe(false);
    expect(transport.write(MAIN_LANE, new Uint8Array([9]))).toBe(true);
    expect(transport.bufferedBytes(lane)).toBe(5);
    await settle();
    expect(session.made.map(({ written }) => written.length)).toEqual([1, 0]);
    session.made[0]?.taken[0]?.();
    await settle();
    expect([drained, transport.bufferedBytes(lane)]).toEqual([[1], 0]);
    session.made[1]?.fails.error(new Error("reset"));
    transport.write(2 as LaneId, new Uint8Array(1));
    await vi.advanceTimersByTimeAsync(1_000);
    expect(log).toEqual(["closed Cannot continue on WebTransport: stream lost, reset"]);
  });

  test("has one lane where all of them would share a TCP connection", () => {
    const session = Object.assign(new FakeSession(), { reliability: "reliable-only" });
    expect(new WebTransportTransport(session, new FakeLane()).capabilities.lanes).toBe(1);
    expect(new WebTransportTransport(new FakeSession(), new FakeLane()).capabilities.lanes).toBeGreaterThan(
      1,
    );
  });

  test("takes the lanes of its peer", async () => {
    const lanes = [new FakeLane(), new FakeLane()];
    const session = new FakeSession("writable", lanes);
    const transport = new WebTransportTransport(session, new FakeLane());
    log = [];
    transport.start({
      data: (lane, bytes) => log.push(`${lane}: ${bytes.join()}`),
      drain: () => {},
      lane: (lane) => log.push(`lane ${lane}`),
      datagram: () => {},
      closed: () => log.push("closed"),
    });
    await settle();
    lanes[1]?.arrives.enqueue(new Uint8Array([2]));
    lanes[0]?.arrives.enqueue(new Uint8Array([1]));
    lanes[1]?.arrives.close();
    await settle();
    expect(log.slice(0, 2)).toEqual(["lane -2", "lane -3"]);
    expect(log.slice(2).sort()).toEqual(["-2: 1", "-3: 2"]);
  });
});
