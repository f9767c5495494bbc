import { Http2Server, WebTransport } from "@fails-components/webtransport";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { ChaosProxy } from "../../test/chaos/proxy.ts";
import { type OpenTransports, transportSuite } from "../../test/conformance/transport.ts";
import { FakeLane, FakeSession, startLogged } from "../../test/fake-webtransport.ts";
import { Framed } from "../../test/framed.ts";
import { makeCertificate } from "../../test/wt-pair.ts";
import { type LaneId, MAIN_LANE } from "../core/lanes/lane.ts";
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

describe("WebTransportTransport", () => {
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
    const log = startLogged(transport);
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
    startLogged(transport);
    await settle();
    transport.write(MAIN_LANE, new Uint8Array([1]));
    transport.write(MAIN_LANE, new Uint8Array([2]));
    expect(transport.bufferedBytes(MAIN_LANE)).toBe(2);
    open(lane);
    await settle();
    expect(lane.written.map((record) => record[0])).toEqual([1, 2]);
    expect(transport.bufferedBytes(MAIN_LANE)).toBe(0);
  });

  test("opens lanes of its own, each with its own backpressure", async () => {
    const session = new FakeSession();
    const transport = new WebTransportTransport(session, new FakeLane(), { highWaterBytes: 4 });
    const drained: number[] = [];
    const log: string[] = [];
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
    const log: string[] = [];
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
