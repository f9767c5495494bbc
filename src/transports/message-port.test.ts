import { once } from "node:events";
import { MessageChannel as NodeMessageChannel } from "node:worker_threads";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { transportSuite } from "../../test/conformance/transport.ts";
import { sleep, until } from "../../test/sessions.ts";
import type { Bytes } from "../core/bytes.ts";
import type { WireError } from "../core/errors.ts";
import { MAIN_LANE } from "../core/lanes/lane.ts";
import { type MessagePortOptions, MessagePortTransport, type PortSurroundings } from "./message-port.ts";

const MIB = 1024 * 1024;

transportSuite(
  "message-port",
  async () => {
    const { port1, port2 } = new MessageChannel();
    return {
      a: new MessagePortTransport(port1),
      b: new MessagePortTransport(port2),
      lose: () => port1.close(),
      cleanup: async () => port1.close(),
    };
  },
  { maxRecordBytes: 16 * MIB, lossCode: "ERR_PEER_GONE" },
);

/** A lock manager as that of browsers, for threads that can be ended. */
class Locks {
  readonly held = new Map<string, { owner: string; end: () => void }>();
  readonly #waiting: { name: string; run: () => void; signal: AbortSignal | undefined }[] = [];

  /** The locks as one thread sees them. */
  of(owner: string): LockManager {
    const request = (name: string, ...rest: unknown[]) => {
      const hold = rest.at(-1) as () => unknown;
      const { signal } = (rest.length > 1 ? rest[0] : {}) as { signal?: AbortSignal };
      return new Promise<void>((resolve, reject) => {
        signal?.addEventListener("abort", () => reject(signal.reason));
        const run = () => {
          const end = () => {
            if (!this.held.delete(name)) return;
            resolve();
            const at = this.#waiting.findIndex((waiter) => waiter.name === name && !waiter.signal?.aborted);
            if (at >= 0) this.#waiting.splice(at, 1)[0]?.run();
          };
          this.held.set(name, { owner, end });
          void Promise.resolve(hold()).then(end);
        };
        if (this.held.has(name)) this.#waiting.push({ name, run, signal });
        else setTimeout(run, 1);
      });
    };
    const query = async () => ({ held: [...this.held.keys()].map((name) => ({ name })), pending: [] });
    return { request, query } as unknown as LockManager;
  }

  /** What the browser does when a thread has ended. */
  kill(owner: string): void {
    for (const lock of [...this.held.values()]) if (lock.owner === owner) lock.end();
  }
}

/** What a transport has told its owner. */
class Log {
  readonly entries: string[] = [];
  error: WireError | undefined;

  start(transport: MessagePortTransport): this {
    transport.start({
      data: (_lane, bytes) => this.entries.push(`data ${bytes.length}`),
      drain: () => this.entries.push("drain"),
      lane: () => this.entries.push("lane"),
      datagram: () => this.entries.push("datagram"),
      closed: (error) => {
        this.error = error;
        this.entries.push(`closed ${error?.code ?? "in order"}`);
      },
    });
    return this;
  }

  get ended(): boolean {
    return this.entries.at(-1)?.startsWith("closed") === true;
  }
}

/** A transport, and the bare port at its other end with what it has heard. */
function open(options?: MessagePortOptions, surroundings?: PortSurroundings) {
  const { port1, port2 } = new MessageChannel();
  const heard: unknown[] = [];
  port2.addEventListener("message", ({ data }) => heard.push(data));
  port2.start();
  const transport = new MessagePortTransport(port1, options, surroundings);
  const log = new Log().start(transport);
  return { transport, log, port: port2, heard };
}

let ports: MessagePort[] = [];

function opened(...args: Parameters<typeof open>): ReturnType<typeof open> {
  const all = open(...args);
  ports.push(all.port);
  return all;
}

/** A channel whose first port is watched: which of the memory that came back is posted again. */
function watched() {
  const { port1, port2 } = new MessageChannel();
  ports.push(port2);
  const heard: unknown[] = [];
  port2.addEventListener("message", ({ data }) => heard.push(data));
  port2.start();
  const posted: unknown[] = [];
  const post = port1.postMessage.bind(port1);
  vi.spyOn(port1, "postMessage").mockImplementation((message, transfer) => {
    posted.push(message);
    post(message, transfer as Transferable[]);
  });
  const received: ArrayBuffer[] = [];
  port1.addEventListener("message", ({ data }) => received.push(...(data.back ?? [])));
  const countReused = () => posted.filter((each) => received.includes(each as ArrayBuffer)).length;
  return { port1, port2, heard, received, countReused };
}

afterEach(() => {
  for (const port of ports) port.close();
  ports = [];
});

describe("MessagePortTransport", () => {
  test("adopts ports of node:worker_threads by their own types", async () => {
    const { port1, port2 } = new NodeMessageChannel();
    const a = new MessagePortTransport(port1);
    const log = new Log().start(new MessagePortTransport(port2));
    new Log().start(a);
    a.write(MAIN_LANE, new Uint8Array(3));
    await until(() => log.entries.length === 1);
    a.close(1000, "");
    await until(() => log.ended);
  });

  test.each([
    [100, "cloned"],
    [1_024, "transferred"],
    [65_000, "transferred"],
  ])("a record of %i bytes is copied once and %s", (size, how) => {
    const posted: ArrayBuffer[] = [];
    const port = {
      postMessage(message: unknown, transfer: ArrayBuffer[]) {
        structuredClone(message, { transfer });
        posted.push(message as ArrayBuffer);
      },
      addEventListener() {},
      start() {},
      close() {},
    };
    const transport = new MessagePortTransport(port);
    new Log().start(transport);
    const slab: Bytes = new Uint8Array(100_000);
    transport.write(MAIN_LANE, slab.subarray(10, 10 + size));
    expect(slab.buffer.byteLength, "the writer's bytes stay its own").toBe(100_000);
    expect(posted).toHaveLength(1);
    expect(posted[0]?.byteLength).toBe(how === "transferred" ? 0 : size);
  });

  test("memory that nobody holds goes back, and is used for the next record of its length", async () => {
    const { port1, port2, heard, received, countReused } = watched();
    const transport = new MessagePortTransport(port1);
    transport.start({
      data: (_lane, bytes) => bytes[0] === 1,
      drain: () => {},
      lane: () => {},
      datagram: () => {},
      closed: () => {},
    });
    // What is held stays, what is not goes back: not the short one.
    for (const [length, first] of [
      [65_536, 1],
      [65_536, 2],
      [20_000, 3],
      [1_000, 4],
    ] as const)
      port2.postMessage(new Uint8Array(length).fill(first).buffer);
    await until(() => heard.length === 2);
    const returned = heard.flatMap((each) => (each as { back?: ArrayBuffer[] }).back ?? []);
    expect(returned.map(({ byteLength }) => byteLength)).toEqual([65_536, 20_000]);

    heard.length = 0;
    const record = (fill: number): Bytes => new Uint8Array(30_000).fill(fill);
    transport.write(MAIN_LANE, record(1));
    await until(() => heard.length === 1);
    const back = [30_000, 30_000, 31_000].map((length) => new Uint8Array(length).fill(9).buffer);
    port2.postMessage({ taken: 30_000, back }, back);
    await until(() => received.length === 3);
    transport.write(MAIN_LANE, record(2));
    transport.writeParts(MAIN_LANE, record(3).subarray(0, 10), record(3).subarray(10));
    transport.write(MAIN_LANE, record(4));
    await until(() => heard.length === 4);
    expect(heard.map((each) => new Uint8Array(each as ArrayBuffer))).toEqual([1, 2, 3, 4].map(record));
    expect(countReused()).toBe(2);
    transport.close(1_000, "");
  });

  test("what is returned without need is not kept", async () => {
    const { port1, port2, heard, received, countReused } = watched();
    const transport = new MessagePortTransport(port1);
    const log = new Log().start(transport);
    const parts = [new Uint8Array(1), new Uint8Array(19_999)] as const;
    transport.writeParts(MAIN_LANE, ...parts);
    for (let i = 0; i < 10; i++) {
      const back = Array.from({ length: 10 }, () => new ArrayBuffer(20_000));
      port2.postMessage({ taken: 20_000, back }, back);
    }
    await until(() => received.length === 100);
    for (let i = 0; i < 50; i++) transport.writeParts(MAIN_LANE, ...parts);
    await until(() => heard.length === 51);
    expect([log.entries, countReused()]).toEqual([[], 32]);
    transport.close(1_000, "");
  });

  test("says what it has taken every 128 KiB, and 10 ms after the last record", async () => {
    const { log, port, heard } = opened();
    for (let i = 0; i < 10; i++) port.postMessage(new ArrayBuffer(65_536));
    port.postMessage(new ArrayBuffer(7));
    await until(() => log.entries.length === 11 && heard.length === 6);
    expect(heard).toEqual([131_072, 262_144, 393_216, 524_288, 655_360, 655_367]);
  });

  test("many small records cost few messages back", async () => {
    const { log, port, heard } = opened();
    for (let i = 0; i < 1_000; i++) port.postMessage(new ArrayBuffer(64));
    await until(() => log.entries.length === 1_000 && heard.at(-1) === 64_000);
    expect(heard.length).toBeLessThan(10);
  });

  test("write() says no until the peer has taken half of what is too much", async () => {
    const { transport, log, port } = opened({ highWaterBytes: 1_000 });
    expect(transport.write(MAIN_LANE, new Uint8Array(1_000))).toBe(true);
    expect(transport.write(MAIN_LANE, new Uint8Array(200))).toBe(false);
    port.postMessage(699);
    await sleep(10);
    expect([log.entries, transport.bufferedBytes(MAIN_LANE)]).toEqual([[], 501]);
    expect(transport.write(MAIN_LANE, new Uint8Array(1))).toBe(false);
    port.postMessage(701);
    await until(() => log.entries.length === 1);
    expect([log.entries, transport.bufferedBytes(MAIN_LANE)]).toEqual([["drain"], 500]);
    expect(transport.write(MAIN_LANE, new Uint8Array(1))).toBe(true);
  });

  test("the close of a peer that gives up is an error", async () => {
    const { log, port } = opened();
    port.postMessage({ close: 4_008, reason: "Too late" });
    await until(() => log.ended);
    expect(log.error?.message).toBe("Cannot continue on port: closed with code 4008, Too late");
  });

  test.each<[string, unknown]>([
    ["a string", "text"],
    ["nothing", undefined],
    ["null", null],
    ["an object", { data: new ArrayBuffer(3) }],
    ["an array", [new ArrayBuffer(3)]],
    ["a view", new Uint8Array(3)],
    ["shared memory", new SharedArrayBuffer(3)],
    ["a view of shared memory", new Uint8Array(new SharedArrayBuffer(3))],
    ["a close without a reason", { close: 1000 }],
    ["a lock that is no text", { lock: 1 }],
    ["memory without what was taken", { back: [new ArrayBuffer(3)] }],
    ["memory that is none", { taken: 0, back: [new Uint8Array(3)] }],
    ["memory that is shared", { taken: 0, back: [new SharedArrayBuffer(3)] }],
    ["memory for too much taken", { taken: 1, back: [] }],
    ["memory that is there twice", { taken: 0, back: Array(2).fill(new ArrayBuffer(0)) }],
    ["holes for memory", { taken: 0, back: Array(2) }],
    ["a hole for memory", { taken: 0, back: Array(1) }],
    ["4 G of holes for memory", { taken: 0, back: Array(2 ** 32 - 1) }],
    [
      "more memory than goes back at a time",
      { taken: 0, back: Array.from({ length: 33 }, () => new ArrayBuffer(0)) },
    ],
    ["more taken than was sent", 1],
    ["less taken than before", -1],
    ["NaN taken", Number.NaN],
    ["a big integer", 1n],
  ])("%s ends it, and it alone", async (_, message) => {
    const { log, port, heard } = opened();
    const other = opened();
    port.postMessage(message);
    port.postMessage(new ArrayBuffer(5));
    await until(() => log.ended);
    await until(() => heard.length === 1);
    expect(log.entries).toEqual(["closed ERR_PROTOCOL"]);
    expect(heard).toEqual([{ close: 4_001, reason: log.error?.message }]);
    other.port.postMessage(new ArrayBuffer(5));
    await until(() => other.log.entries.length === 1);
  });

  test("a message that cannot be read ends it", async () => {
    const { port1 } = new MessageChannel();
    const log = new Log().start(new MessagePortTransport(port1));
    port1.dispatchEvent(new Event("messageerror"));
    await until(() => log.ended);
    expect(log.error?.message).toBe("Cannot accept a message that cannot be read");
  });

  test("a flood of pings costs few answers", async () => {
    const { port, heard } = opened();
    for (let i = 0; i < 1_000; i++) port.postMessage("ping");
    await until(() => heard.length > 0);
    await sleep(30);
    expect(heard.length).toBeLessThan(10);
  });

  test("an error of the worker counts until its first message", async () => {
    const starter = new EventTarget();
    const failed = opened({}, { starter });
    const { log, port } = opened({}, { starter });
    port.postMessage(new ArrayBuffer(1));
    await until(() => log.entries.length === 1);
    starter.dispatchEvent(new Event("error"));
    await until(() => failed.log.ended);
    expect(failed.log.error).toMatchObject({
      code: "ERR_PEER_GONE",
      message: "Cannot continue on port: the other thread failed to start",
    });
    expect(log.entries).toEqual(["data 1"]);
  });

  test("the end of the other port before start() is told after it", async () => {
    const { port1, port2 } = new MessageChannel();
    const transport = new MessagePortTransport(port1);
    const gone = once(port1, "close");
    port2.close();
    port1.start();
    await gone;
    const log = new Log().start(transport);
    expect(log.entries).toEqual([]);
    await until(() => log.ended);
    expect(log.error).toMatchObject({ code: "ERR_PEER_GONE" });
  });
});

describe("MessagePortTransport with locks", () => {
  function pair(surroundingsOfB?: PortSurroundings) {
    const locks = new Locks();
    const { port1, port2 } = new MessageChannel();
    const a = new MessagePortTransport(port1, { silenceMs: 50 }, { locks: locks.of("a") });
    const b = new MessagePortTransport(port2, { silenceMs: 50 }, surroundingsOfB ?? { locks: locks.of("b") });
    const atA = new Log().start(a);
    const atB = new Log().start(b);
    return { locks, a, b, atA, atB, port1, port2 };
  }

  test("what is written before this side has a lock waits for it", async () => {
    const { port, heard, transport } = opened({}, { locks: new Locks().of("a") });
    transport.write(MAIN_LANE, new Uint8Array(3));
    await until(() => heard.length === 2);
    expect(heard[0]).toEqual({ lock: expect.stringMatching(/^tideway:/) });
    expect(heard[1]).toBeInstanceOf(ArrayBuffer);
    port.close();
  });

  test("what is written and closed before that arrives all the same", async () => {
    const { heard, transport, log } = opened({}, { locks: new Locks().of("a") });
    transport.write(MAIN_LANE, new Uint8Array(3));
    transport.close(1000, "");
    await until(() => heard.length === 2 && log.ended);
    expect(heard).toEqual([new ArrayBuffer(3), { close: 1000, reason: "" }]);
  });

  test("without a lock it goes on: the origin is opaque", async () => {
    const request = () => Promise.reject(new DOMException("Denied", "SecurityError"));
    const { heard, transport } = opened({}, { locks: { request } as unknown as LockManager });
    transport.write(MAIN_LANE, new Uint8Array(3));
    await until(() => heard.length === 1);
  });

  test("a thread that ends is noticed by both kinds of waiting, a silent one is not taken for dead", async () => {
    const { locks, a, b, atA } = pair();
    b.write(MAIN_LANE, new Uint8Array(1));
    a.write(MAIN_LANE, new Uint8Array(1));
    await until(() => atA.entries.length === 1 && locks.held.size === 2);
    await sleep(150);
    expect(atA.entries).toEqual(["data 1"]);
    const at = performance.now();
    locks.kill("b");
    await until(() => atA.ended);
    expect(performance.now() - at).toBeLessThan(500);
    expect(atA.error).toMatchObject({
      code: "ERR_PEER_GONE",
      message: "Cannot continue on port: the other thread has ended",
    });
  });

  test("close() is in order although the lock is let go", async () => {
    const { locks, a, b, atA, atB } = pair();
    a.write(MAIN_LANE, new Uint8Array(5));
    b.write(MAIN_LANE, new Uint8Array(5));
    await until(() => atA.entries.length + atB.entries.length === 2);
    b.close(1000, "");
    await until(() => atA.ended && atB.ended);
    expect([atA.error, atB.error]).toEqual([undefined, undefined]);
    await until(() => locks.held.size === 0);
  });

  test("a lock of another origin or of the application says nothing", async () => {
    const locks = new Locks();
    const application = locks.of("app");
    void application.request("mine", () => new Promise(() => {}));
    const { log, port } = opened({}, { locks: locks.of("a") });
    port.postMessage({ lock: "tideway:elsewhere" });
    port.postMessage({ lock: "mine" });
    await sleep(10);
    locks.kill("app");
    await sleep(150);
    expect(log.entries).toEqual([]);
  });
});

describe("MessagePortTransport without locks", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  const turn = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

  async function pass(ms: number): Promise<void> {
    for (let at = 0; at < ms; at += 10) {
      vi.advanceTimersByTime(10);
      await turn();
    }
  }

  test("two that have nothing to say live on", async () => {
    const { port1, port2 } = new MessageChannel();
    ports.push(port1);
    const a = new MessagePortTransport(port1, { silenceMs: 900 });
    const atA = new Log().start(a);
    const atB = new Log().start(new MessagePortTransport(port2, { silenceMs: 900 }));
    a.write(MAIN_LANE, new Uint8Array(3));
    await pass(5_000);
    expect([atA.entries, atB.entries]).toEqual([[], ["data 3"]]);
    a.close(1000, "");
    await turn();
  });

  test("one that was heard once and is silent then is gone in 0.7 to 0.9 s", async () => {
    const { log, port, heard } = opened({ silenceMs: 900 });
    await pass(3_000);
    expect(log.entries, "nobody is there yet: connectTimeoutMs decides").toEqual([]);
    port.postMessage(new ArrayBuffer(3));
    await pass(700);
    expect(log.entries).toEqual(["data 3"]);
    expect(heard.filter((message) => message === "ping").length).toBeGreaterThan(1);
    await pass(230); // some of it for the message to arrive
    expect(log.error).toMatchObject({
      code: "ERR_PEER_GONE",
      message: "Cannot continue on port: the other thread said nothing for 900 ms",
    });
    expect(vi.getTimerCount()).toBe(0);
  });
});

test("a pause of this thread is not held against the other", async () => {
  const { log, port } = opened({ silenceMs: 250 });
  port.addEventListener("message", ({ data }) => data === "ping" && port.postMessage(0));
  port.postMessage(new ArrayBuffer(3));
  await until(() => log.entries.length === 1);
  for (const end = performance.now() + 600; performance.now() < end; );
  await sleep(400);
  expect(log.entries).toEqual(["data 3"]);
});
