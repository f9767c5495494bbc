import { describe, expect, test } from "vitest";
import { KINDS, message, type Numbered, numbers, openEnds, words } from "../../test/channels/ends.ts";
import { failure, sleep } from "../../test/sessions.ts";
import { json, StateError, StreamError, TransportError } from "../index.ts";
import {
  abandonChannel,
  type ChannelOptions,
  coded,
  createChannel,
  type Format,
  fixedBytes,
  openReceiver,
  openSender,
  struct,
} from "./channels.ts";

/** Every kind with every format, each with both ends in this thread. */
const CASES: [string, Omit<ChannelOptions<Numbered>, "format"> & { format: Format<Numbered> }][] = [];
for (const kind of KINDS) {
  for (const start of [0, -5, 0x7fff_fff8]) {
    CASES.push([`${kind} struct from ${start}`, { kind, format: numbers, capacity: 8, start }]);
    const coding = { kind, format: words as Format<Numbered>, start };
    CASES.push([
      `${kind} coded from ${start}`,
      kind === "spsc" ? { ...coding, capacityBytes: 256 } : { ...coding, capacity: 8 },
    ]);
  }
}

describe.each(CASES)("%s", (_name, options) => {
  test("trySend() and tryReceive() keep the order over many rounds, full and empty", () => {
    const { sender, receiver } = openEnds(options);
    let sent = 0;
    let received = 0;
    for (let round = 0; round < 200; round++) {
      const most = 1 + (round % 11);
      for (let i = 0; i < most && sender.trySend(message(sent)); i++) sent++;
      for (let i = 0; i < 1 + ((round * 7) % 10); i++) {
        const got = receiver.tryReceive();
        if (got === undefined) expect(received).toBe(sent);
        else expect(got).toEqual(message(received++));
      }
    }
    while (sender.trySend(message(sent))) sent++;
    expect(sent).toBeGreaterThan(200);
    const { depth, highWater, capacity, sendErrors } = sender.stats();
    expect(highWater).toBe(depth);
    expect(depth).toBeGreaterThan(capacity / 2);
    expect(sendErrors).toBeGreaterThan(0);
    for (const got of receiver.tryReceiveBatch(1_000)) expect(got).toEqual(message(received++));
    expect(received).toBe(sent);
    expect(receiver.tryReceive()).toBe(undefined);
    expect(receiver.stats()).toMatchObject({ received, depth: 0 });
    expect(sender.stats().sent).toBe(sent);
  });

  test("trySendBatch() says how far it came, and batches go on over the end of the ring", () => {
    const { sender, receiver } = openEnds(options);
    const all = Array.from({ length: 500 }, (_, i) => message(i));
    const got: Numbered[] = [];
    let rounds = 0;
    for (let next = 0; next < all.length; rounds++) {
      const after = sender.trySendBatch(all, next);
      expect(after).toBeGreaterThan(next);
      next = after;
      receiver.tryReceiveBatch(1 + (rounds % 7), got);
      receiver.tryReceiveBatch(100, got);
    }
    expect(got).toEqual(all);
  });

  test("send() and sendBatch() wait for room, receive() and receiveBatch() for messages", async () => {
    const { sender, receiver } = openEnds(options);
    const first = receiver.receive();
    const second = receiver.receiveBatch(2);
    const all = Array.from({ length: 100 }, (_, i) => message(i));
    const sending = Promise.all([
      sender.send(message(0)),
      sender.sendBatch(all.slice(1, 60)),
      ...all.slice(60).map((each) => sender.send(each)),
    ]);
    expect(sender.trySend(message(0)), "others wait").toBe(false);
    expect(await first).toEqual(all[0]);
    const got = [message(0), ...(await second)];
    while (got.length < all.length) got.push(...(await receiver.receiveBatch(5)));
    await sending;
    expect(got).toEqual(all);
    expect(sender.stats().waits + receiver.stats().waits).toBeGreaterThan(0);
  });

  test("close() of the sender ends the receiver after the last message", async () => {
    const { sender, receiver } = openEnds(options);
    sender.trySendBatch([message(0), message(1)]);
    sender.close();
    sender.close();
    expect(() => sender.trySend(message(2))).toThrow(StateError);
    expect(receiver.ended).toBe(false);
    const got: Numbered[] = [];
    for await (const each of receiver) got.push(each);
    expect(got).toEqual([message(0), message(1)]);
    expect(receiver.ended).toBe(true);
    expect(await receiver.receive()).toBe(undefined);
    expect(await receiver.receiveBatch(3)).toEqual([]);
    expect(receiver.receiveBlocking()).toBe(undefined);
  });

  test("close() wakes who waits at the other side", async () => {
    const one = openEnds(options);
    const waiting = one.receiver.receive();
    one.sender.close();
    expect(await waiting).toBe(undefined);

    const other = openEnds(options);
    while (other.sender.trySend(message(0)));
    const sending = failure(other.sender.send(message(1)));
    other.receiver.close();
    expect(await sending).toBeInstanceOf(StreamError);
    expect(() => other.sender.trySend(message(0))).toThrow("all receivers were closed");
  });

  test("close() of this side ends what waits on it", async () => {
    const { sender, receiver } = openEnds(options);
    const waiting = receiver.receive();
    receiver.close();
    expect(await waiting).toBe(undefined);
    const other = openEnds(options);
    while (other.sender.trySend(message(0)));
    const sending = failure(other.sender.send(message(1)));
    other.sender.close();
    expect(await sending).toBeInstanceOf(StateError);
    sender.close();
  });

  test("leaving the loop closes the receiver", async () => {
    const { sender, receiver } = openEnds(options);
    sender.trySend(message(0));
    for await (const each of receiver) {
      expect(each).toEqual(message(0));
      break;
    }
    expect(await failure(sender.send(message(1)))).toMatchObject({ code: "ERR_CANCELLED" });
  });

  test("an aborted wait leaves the others in their order", async () => {
    const { sender, receiver } = openEnds(options);
    const abort = new AbortController();
    const first = failure(receiver.receive({ signal: abort.signal }));
    const second = receiver.receive();
    abort.abort(new Error("Enough"));
    expect(await first).toEqual(new Error("Enough"));
    sender.trySend(message(7));
    expect(await second).toEqual(message(7));
    expect(await failure(receiver.receive({ signal: abort.signal }))).toEqual(new Error("Enough"));
  });

  test("abandonChannel() gives what was sent, then ERR_PEER_GONE to all", async () => {
    const { buffer, sender, receiver } = openEnds(options);
    sender.trySend(message(0));
    const sending = failure(sender.sendBatch(Array.from({ length: 100 }, (_, i) => message(i))));
    abandonChannel(buffer);
    expect(await sending).toMatchObject({ code: "ERR_PEER_GONE" });
    expect(receiver.tryReceive()).toEqual(message(0));
    receiver.tryReceiveBatch(100);
    expect(() => receiver.tryReceive()).toThrow(TransportError);
    expect(await failure(receiver.receive())).toMatchObject({ code: "ERR_PEER_GONE" });
    expect(() => receiver.receiveBlocking()).toThrow(TransportError);
  });

  test("blocking calls give up after timeoutMs, and see what is there", () => {
    const { sender, receiver } = openEnds(options);
    const start = performance.now();
    expect(() => receiver.receiveBlocking({ timeoutMs: 60 })).toThrow("nothing for 60 ms");
    expect(performance.now() - start).toBeGreaterThan(55);
    sender.sendBlocking(message(1));
    sender.sendBatchBlocking([message(2), message(3)]);
    expect(receiver.receiveBlocking()).toEqual(message(1));
    expect(receiver.receiveBatchBlocking(5)).toEqual([message(2), message(3)]);
    while (sender.trySend(message(0)));
    expect(() => sender.sendBlocking(message(0), { timeoutMs: 20 })).toThrow("no room for 20 ms");
    expect(() => sender.sendBlocking(message(0), { timeoutMs: 5, spins: 1e9 })).toThrow("no room for 5 ms");
  });
});

describe("createChannel()", () => {
  test.each([
    { capacity: 3 },
    { capacity: 1 },
    { capacity: 0 },
    { capacity: 2 ** 30 },
    { senders: 2 },
    { receivers: 2 },
    { kind: "mpsc", receivers: 2 },
    { kind: "mpmc", senders: 0 },
    { kind: "mpmc", senders: 1.5 },
  ] as const)("refuses %o", (options) => {
    expect(() => createChannel({ format: numbers, ...options })).toThrow(RangeError);
  });

  test("refuses sizes of messages that do not fit", () => {
    for (const bytes of [0, -1, 1.5, 2 ** 30]) {
      expect(() => createChannel({ format: fixedBytes(bytes) })).toThrow(RangeError);
      expect(() => createChannel({ format: coded(json, bytes) })).toThrow(RangeError);
    }
    expect(() => createChannel({ format: coded(json, 125), capacityBytes: 256 })).toThrow(RangeError);
    expect(() => createChannel({ format: coded(json, 124), capacityBytes: 256 })).not.toThrow();
    expect(() => createChannel({ format: coded(json, 100), capacityBytes: 300 })).toThrow(RangeError);
    expect(() => struct({})).toThrow(TypeError);
  });

  test("ends can be opened as often as it says, with its format", () => {
    const buffer = createChannel({ kind: "mpmc", format: numbers, senders: 2, receivers: 2 });
    for (const end of [openSender, openReceiver]) {
      expect(() => end(buffer, fixedBytes(5))).toThrow(StateError);
      end(buffer, numbers);
      end(buffer, numbers);
      expect(() => end(buffer, numbers)).toThrow(StateError);
    }
    expect(() => openSender(createChannel({ format: numbers }), coded(json, 16))).toThrow(StateError);
  });
});

describe("waiting", () => {
  test("a doorbell wakes who cannot sleep on shared memory", async () => {
    const { port1, port2 } = new MessageChannel();
    const bell = (port: MessagePort) => ({
      ring: () => port.postMessage(0),
      hear: (run: () => void) => {
        port.onmessage = run;
      },
    });
    const buffer = createChannel({ format: numbers, capacity: 2 });
    const sender = openSender(buffer, numbers, { doorbell: bell(port1) });
    const receiver = openReceiver(buffer, numbers, { doorbell: bell(port2) });
    const start = performance.now();
    for (let i = 0; i < 200; i++) {
      const got = receiver.receive();
      await sleep(i % 3);
      await sender.send(message(i));
      expect(await got).toEqual(message(i));
    }
    expect(performance.now() - start).toBeLessThan(5_000); // 200 looks of 50 ms would take 10 s
    const many = Array.from({ length: 50 }, (_, i) => message(i));
    const sending = sender.sendBatch(many);
    for (const each of many) expect(await receiver.receive()).toEqual(each);
    await sending;
    port1.close();
  });

  test.runIf("process" in globalThis)("nobody uses the processor while nothing comes", async () => {
    const { receiver, sender } = openEnds({ format: numbers });
    const waiting = receiver.receive();
    const before = process.cpuUsage();
    await sleep(1_000);
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1_000).toBeLessThan(100); // ms of a second
    sender.close();
    expect(await waiting).toBe(undefined);
  });
});
