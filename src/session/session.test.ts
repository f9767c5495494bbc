import { describe, expect, test } from "vitest";
import { bytes, openEcho } from "../../test/echo-sessions.ts";
import { sleep, until } from "../../test/sessions.ts";
import type { Bytes, Session } from "../index.ts";

describe("a session", () => {
  test("tells its states in order, and why it was closed", async () => {
    const { client, server, pairs } = await openEcho();
    const log = (session: Session, into: string[]) =>
      session.addEventListener("statechange", (event) => {
        const { state, error, retryInMs } = event;
        into.push(`${state} ${error?.code} ${retryInMs}`);
      });
    const states: string[] = [];
    log(client, states);
    log(server, states);
    const aborted = client.signal;
    pairs[0]?.lose();
    const [error, serverError] = await Promise.all([client.closed, server.closed]);
    expect(error).toMatchObject({ code: "ERR_CONNECTION_LOST" });
    expect(serverError).toMatchObject({ code: "ERR_CONNECTION_LOST" });
    expect(states).toEqual(["closed ERR_CONNECTION_LOST 0", "closed ERR_CONNECTION_LOST 0"]);
    expect(aborted.aborted).toBe(true);
    expect(aborted.reason).toBe(client.error);
    expect(client.signal.aborted).toBe(true);
  });

  test("close() tells the peer its reason, once", async () => {
    const { client, server } = await openEcho();
    const all = await Promise.all([client.close({ reason: "done" }), client.close(), client.closed]);
    expect(all).toEqual([undefined, undefined, undefined]);
    expect(await server.closed).toBe(undefined);
    await client[Symbol.asyncDispose]();
  });

  test("shutDown() with a code is an error for the peer", async () => {
    const { client, server } = await openEcho();
    await server.shutDown("ERR_OVERLOADED", "Come back later");
    expect(await client.closed).toMatchObject({ code: "ERR_OVERLOADED", message: "Come back later" });
  });

  test("carries datagrams both ways, drops what is too long, and sends none when it is closed", async () => {
    const { client, server } = await openEcho();
    const got: Bytes[] = [];
    for (const session of [client, server]) {
      session.addEventListener("datagram", (event) => got.push(event.payload));
    }
    expect(client.sendDatagram(bytes(1))).toBe(true);
    expect(server.sendDatagram(bytes(2))).toBe(true);
    expect(client.sendDatagram(new Uint8Array(2_000))).toBe(false);
    await until(() => got.length === 2);
    await client.close();
    expect(client.sendDatagram(bytes(3))).toBe(false);
  });

  test("stats() add up on both sides", async () => {
    const { client, server } = await openEcho();
    const stream = client.openStream("echo");
    for (let i = 0; i < 20; i++) {
      await stream.send(new Uint8Array(10_000));
      await stream.receive();
    }
    const during = client.stats();
    expect(during).toMatchObject({
      state: "open",
      transport: "memory",
      streams: 1,
      reconnects: 0,
      queuedBytes: 0,
    });
    await stream.close();
    await stream.receive();
    await until(() => client.stats().streams === 0 && server.stats().streams === 0);
    await sleep(40);
    const [ours, theirs] = [client.stats(), server.stats()];
    expect(ours.bytesSent).toBe(theirs.bytesReceived);
    expect(ours.bytesReceived).toBe(theirs.bytesSent);
    expect(ours.recordsSent).toBe(theirs.recordsReceived);
    expect(ours.recordsReceived).toBe(theirs.recordsSent);
    expect(ours.bytesSent).toBeGreaterThan(200_000);
    for (const stats of [ours, theirs]) {
      expect(stats).toMatchObject({
        streams: 0,
        queuedBytes: 0,
        unreadBytes: 0,
        bufferedBytes: 0,
        datagramsDropped: 0,
      });
      expect(stats.sendCreditBytes).toBeGreaterThan(0);
      expect(stats.receiveCreditBytes).toBeGreaterThan(0);
    }
    await client.close();
  });
});
