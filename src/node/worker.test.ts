import { once } from "node:events";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { MessageChannel as NodeMessageChannel, Worker } from "node:worker_threads";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { bundleForNode } from "../../scripts/bundle.mjs";
import { CACHE, ROOT } from "../../scripts/paths.mjs";
import { sessionSuite } from "../../test/conformance/session.ts";
import { Deferred, failure, sleep, until } from "../../test/sessions.ts";
import { MIRROR, ownerApi, workerApi } from "../../test/threads/contract.ts";
import type { Bytes } from "../core/bytes.ts";
import {
  accept,
  CallError,
  type CarrierChoice,
  client,
  connectWith,
  implement,
  makeRingPair,
  RingTransport,
  type Session,
  StateError,
} from "../index.ts";
import { acceptPort, connectPort, connectWorker, dialWorker, serveWorker } from "./worker.ts";

const MIB = 1024 * 1024;
const FOLDER = join(CACHE, `threads-${process.pid}`);
const BUNDLE = join(FOLDER, "worker.mjs");

sessionSuite("MessagePort", async ({ reconnect: _, ...clientOptions }, serverOptions) => {
  const { port1, port2 } = new MessageChannel();
  const server = acceptPort(port2, serverOptions);
  return {
    client: await connectPort(port1, clientOptions),
    server,
    lossCode: "ERR_PEER_GONE",
    lose: () => port1.close(),
    cleanup: async () => port1.close(),
  };
});

sessionSuite("ring", async (clientOptions, { onSession, authenticate, ...serverOptions }) => {
  const { port1, port2 } = new MessageChannel();
  const rings = makeRingPair({ ringBytes: 64 * 1024 });
  const server = accept(new RingTransport(rings, port2, "taker"), {
    ...serverOptions,
    ...(authenticate === undefined ? {} : { authenticate }),
    ...(onSession === undefined ? {} : { onSession }),
  });
  return {
    client: await connectWith(async () => new RingTransport(rings, port1, "maker"), {
      ...clientOptions,
      reconnect: false,
    }),
    server,
    lossCode: "ERR_PEER_GONE",
    lose: () => port1.close(),
    cleanup: async () => port1.close(),
  };
});

describe("acceptPort()", () => {
  test("attaches services, and takes one session that ends with its port", async () => {
    const { port1, port2 } = new MessageChannel();
    const accepted = new Deferred<Session>();
    const server = acceptPort(port2, {
      services: [implement(ownerApi, { double: (number) => 2 * number })],
      onSession: accepted.resolve,
    });
    const session = await connectPort(port1);
    expect(session.stats().transport).toBe("message-port");
    expect(await accepted.promise).toBe(server);
    expect(await client(session, ownerApi).double(21)).toBe(42);
    await session.close();
    expect(await server.closed).toBe(undefined);
  });

  test("refuses who must not be let in", async () => {
    const { port1, port2 } = new MessageChannel();
    acceptPort(port2, {
      authenticate: ({ token }) => {
        if (token === undefined) throw new Error("Who is there?");
      },
    });
    expect(await failure(connectPort(port1))).toMatchObject({ code: "ERR_AUTH" });
  });

  test("nobody at the other end is a matter of connectTimeoutMs", async () => {
    const { port1 } = new MessageChannel();
    expect(await failure(connectPort(port1, { connectTimeoutMs: 50 }))).toMatchObject({
      code: "ERR_TIMEOUT",
    });
  });
});

describe.each(["ring", "message-port"] as const)("sessions with a worker thread over %s", (carrier) => {
  const workers: Worker[] = [];
  let asked = 0;
  const ownerService = implement(ownerApi, {
    double: (number) => {
      asked++;
      return 2 * number;
    },
  });

  function spawn(): Worker {
    const worker = new Worker(BUNDLE);
    worker.on("error", () => {}); // the crash is on purpose
    workers.push(worker);
    return worker;
  }

  async function open(worker = spawn()) {
    const choices: CarrierChoice[] = [];
    const session = await connectWorker(worker, {
      carrier: carrier === "ring" ? "auto" : carrier,
      onCarrier: (choice) => choices.push(choice),
      onSession: (fresh) => ownerService.attach(fresh),
    });
    expect(session.stats().transport).toBe(carrier);
    expect(choices).toEqual([{ carrier, reason: expect.stringMatching(/./) }]);
    return { worker, session, calls: client(session, workerApi) };
  }

  beforeAll(async () => {
    mkdirSync(FOLDER, { recursive: true });
    await bundleForNode(join(ROOT, "test/threads/worker.ts"), BUNDLE);
  });

  afterEach(async () => {
    asked = 0;
    await Promise.all(workers.splice(0).map((worker) => worker.terminate()));
  });

  afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

  test("carry all four shapes of call", async () => {
    const { calls } = await open();
    expect(await calls.add([1, 2])).toBe(3);
    const counted: number[] = [];
    for await (const number of calls.count(2_000)) counted.push(number);
    expect(counted).toEqual(Array.from({ length: 2_000 }, (_, i) => i + 1));
    expect(await calls.sum().sendAll(counted)).toBe(2_001_000);
    const echo = calls.echo();
    await echo.send("ahoj");
    expect(await echo.receive()).toBe("ahoj");
    echo.end();
    expect(await echo.receive()).toBe(undefined);
  });

  test("carry calls of the worker, too", async () => {
    const { calls } = await open();
    expect(await Promise.all(Array.from({ length: 200 }, (_, i) => calls.askBack(i)))).toEqual(
      Array.from({ length: 200 }, (_, i) => 2 * i),
    );
    expect(asked).toBe(200);
  });

  test("carry a message of 16 MiB there and back", async () => {
    const { session } = await open();
    const stream = session.openStream(MIRROR);
    const message: Bytes = new Uint8Array(16 * MIB);
    for (let at = 0; at < message.length; at += 97) message[at] = at;
    await stream.send(message);
    expect(Buffer.compare((await stream.receive()) as Bytes, message)).toBe(0);
    await stream.close();
  });

  test("wait for a slow worker in bounded memory, and only where it is slow", async () => {
    const { session, calls } = await open();
    const slow = calls.readSlowly();
    const text = "x".repeat(16 * 1024);
    const end = performance.now() + 200;
    let sent = 0;
    let highest = 0;
    while (performance.now() < end) {
      await Promise.race([slow.send(text).then(() => sent++), sleep(20)]);
      highest = Math.max(highest, session.stats().queuedBytes + (session.stats().bufferedBytes ?? 0));
      if (sent % 50 === 0) expect(await calls.add([sent, 1])).toBe(sent + 1);
    }
    expect(sent).toBeGreaterThan(20);
    expect(highest).toBeLessThan(12 * MIB);
    slow.cancel();
    expect(await calls.add([1, 1])).toBe(2);
  });

  test("leave the other messages of the worker alone", async () => {
    const { worker, calls } = await open();
    const { calls: more } = await open(worker);
    expect(await Promise.all([calls.add([1, 1]), more.add([2, 2])])).toEqual([2, 4]);
    worker.postMessage({ tideway: 1, port: "none" });
    const { port1 } = new NodeMessageChannel();
    worker.postMessage({ tideway: 2, port: port1 }, [port1]);
    worker.postMessage("sessions");
    expect(await once(worker, "message")).toEqual([2]);
  });

  test("end in order when the worker closes them, and it takes no more", async () => {
    const { worker, session } = await open();
    worker.postMessage("close");
    expect(await session.closed).toBe(undefined);
    expect(await failure(connectWorker(worker, { connectTimeoutMs: 100 }))).toBeInstanceOf(Error);
  });

  test("a worker that computes for long is not taken for dead", async () => {
    const { calls, session } = await open();
    expect(await calls.compute(2_500)).toBe("done");
    expect(session.state).toBe("open");
  });

  /** 100 calls that hang, and how long they do once `end` has ended the worker. */
  async function failPending(session: Session, end: () => void) {
    const calls = client(session, workerApi);
    const pending = Array.from({ length: 100 }, () => failure(calls.hang()));
    await calls.add([1, 1]);
    const at = performance.now();
    end();
    const errors = await Promise.all(pending);
    const ms = performance.now() - at;
    expect(new Set(errors.map((error) => (error instanceof CallError ? error.code : error)))).toEqual(
      new Set(["ERR_PEER_GONE"]),
    );
    expect(await session.closed).toMatchObject({ code: "ERR_PEER_GONE" });
    expect(session.stats()).toMatchObject({ streams: 0, queuedBytes: 0, unreadBytes: 0 });
    expect(await failure(calls.add([1, 1]))).toBeInstanceOf(Error);
    return ms;
  }

  test("terminate() fails 100 pending calls in less than a second", async () => {
    const { worker, session } = await open();
    expect(await failPending(session, () => void worker.terminate())).toBeLessThan(1_000);
  });

  test("terminate() of a busy worker fails 100 pending calls in less than a second", async () => {
    const { worker, session, calls } = await open();
    const end = () => {
      void failure(calls.compute(60_000));
      setTimeout(() => void worker.terminate(), 50);
    };
    expect(await failPending(session, end)).toBeLessThan(1_000);
  });

  test.each(["crash", "exit"] as const)("%s() fails 100 pending calls in less than a second", async (how) => {
    const { session, calls } = await open();
    expect(await failPending(session, () => void failure(calls[how]()))).toBeLessThan(1_000);
  });

  test("a worker that has ended, or ends at once, cannot be connected to", async () => {
    const worker = spawn();
    await worker.terminate();
    expect(await failure(connectWorker(worker))).toMatchObject({ code: "ERR_PEER_GONE" });
    const broken = new Worker("throw new Error('Broken on purpose')", { eval: true });
    broken.on("error", () => {});
    expect(await failure(connectWorker(broken))).toMatchObject({ code: "ERR_PEER_GONE" });
  });

  test("go on with another worker where dialing makes one", async () => {
    let worker: Worker | undefined;
    const session = await connectWith(
      (signal) => {
        worker = spawn();
        return dialWorker(worker)(signal);
      },
      { reconnect: { minMs: 1, maxMs: 1 } },
    );
    const calls = client(session, workerApi);
    expect(await calls.add([1, 1])).toBe(2);
    await worker?.terminate();
    await until(() => session.state !== "open");
    expect(await calls.add([2, 2])).toBe(4);
    expect(workers).toHaveLength(2);
    await session.close();
  });

  test("are not served by the main thread", () => {
    // vitest runs tests in processes: this is the main thread of one.
    expect(() => serveWorker()).toThrow(StateError);
  });
});
