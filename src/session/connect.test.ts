import { afterEach, describe, expect, test, vi } from "vitest";
import { Network } from "../../test/dial-network.ts";
import { Deferred, failure, settle, sleep, until } from "../../test/sessions.ts";
import { connectWith, type Dial, memoryPair, TransportError } from "../index.ts";
import { VirtualClock } from "../testing/clock.ts";
import { backoffMs, resolveBackoff } from "./backoff.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

describe("the first attempt", () => {
  test("gives an open session", async () => {
    const network = new Network();
    const session = await connectWith(network.dial);
    expect(session.state).toBe("open");
    expect(session.peer?.codecs).toEqual(["json"]);
    expect(await session.ping()).toBeGreaterThanOrEqual(0);
    expect(await session.close()).toBe(undefined);
  });

  test("fails with what the dial failed with", async () => {
    const network = new Network();
    network.error = new TransportError("refused");
    expect(await failure(connectWith(network.dial))).toBe(network.error);
    network.error = new SyntaxError("bad url");
    expect(await failure(connectWith(network.dial))).toMatchObject({
      name: "TransportError",
      message: "Cannot connect: bad url",
      cause: network.error,
    });
    expect(network.dials).toBe(2);
  });

  test("gives up after connectTimeoutMs while it dials, and closes what comes too late", async () => {
    const late = new Deferred();
    const pair = memoryPair();
    let seen: AbortSignal | undefined;
    const dial: Dial = async (signal) => {
      seen = signal;
      await late.promise;
      return pair.a;
    };
    const error = await failure(connectWith(dial, { connectTimeoutMs: 20 }));
    expect(error).toMatchObject({ code: "ERR_TIMEOUT", message: "Cannot connect: no answer in 20 ms" });
    expect(seen?.aborted).toBe(true);
    const closed = vi.spyOn(pair.a, "close");
    late.resolve();
    await settle();
    expect(closed).toHaveBeenCalledOnce();
  });

  test("gives up after connectTimeoutMs while the peer says nothing", async () => {
    const { a, b } = memoryPair();
    let closed = false;
    b.start({ data() {}, drain() {}, lane() {}, datagram() {}, closed: () => (closed = true) } as never);
    expect(await failure(connectWith(async () => a, { connectTimeoutMs: 20 }))).toMatchObject({
      code: "ERR_TIMEOUT",
    });
    await settle();
    expect(closed).toBe(true);
  });

  test("waits for the credentials no longer than that either", async () => {
    const network = new Network();
    const auth = () => new Promise<string>(() => {});
    expect(await failure(connectWith(network.dial, { auth, connectTimeoutMs: 20 }))).toMatchObject({
      code: "ERR_TIMEOUT",
    });
    expect(network.dials).toBe(0);
  });

  test("leaves no timer behind, whether it fails or not", async () => {
    const clock = new VirtualClock();
    const network = new Network();
    network.error = new TransportError("refused");
    await failure(connectWith(network.dial, { clock }));
    expect(clock.waiting).toBe(0);
    network.error = undefined;
    const session = await connectWith(network.dial, { clock });
    await session.close();
    await settle();
    expect(clock.waiting).toBe(0);
  });

  test.each([{ minMs: -1 }, { maxMs: Number.NaN }, { maxAttempts: -1 }])(
    "refuses reconnect %j",
    async (reconnect) => {
      expect(await failure(connectWith(new Network().dial, { reconnect }))).toBeInstanceOf(RangeError);
    },
  );
});

describe("signal", () => {
  test("aborted before: nothing is dialed", async () => {
    const network = new Network();
    const signal = AbortSignal.abort("early");
    expect(await failure(connectWith(network.dial, { signal }))).toBe("early");
    expect(network.dials).toBe(0);
  });

  test("aborted during the dial: the attempt ends with its reason", async () => {
    const abort = new AbortController();
    const dial: Dial = (signal) =>
      new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
    const attempt = failure(connectWith(dial, { signal: abort.signal }));
    abort.abort("changed my mind");
    expect(await attempt).toBe("changed my mind");
  });

  test("aborted during the handshake: the attempt ends and the transport is closed", async () => {
    const network = new Network();
    network.options = { authenticate: () => new Promise(() => {}) };
    const abort = new AbortController();
    const attempt = failure(connectWith(network.dial, { signal: abort.signal }));
    await until(() => network.servers.length === 1);
    await settle();
    abort.abort("changed my mind");
    expect(await attempt).toBe("changed my mind");
    await until(() => network.servers[0]?.state === "closed");
  });

  test("aborted when open: the session closes", async () => {
    const network = new Network();
    const abort = new AbortController();
    const session = await connectWith(network.dial, { signal: abort.signal });
    abort.abort();
    expect(await session.closed).toBe(undefined);
    expect(session.signal.aborted).toBe(true);
    await until(() => network.servers[0]?.state === "closed");
    expect(await network.servers[0]?.closed).toBe(undefined);
    await sleep(20);
    expect(network.dials).toBe(1);
  });
});

describe("backoff", () => {
  test("is full jitter under a bound that doubles up to maxMs", () => {
    const options = { minMs: 100, maxMs: 30_000, maxAttempts: 9 };
    for (const [attempt, bound] of [
      100, 200, 400, 800, 1_600, 3_200, 6_400, 12_800, 25_600, 30_000, 30_000,
    ].entries()) {
      expect(backoffMs(attempt, 0, options)).toBe(0);
      expect(backoffMs(attempt, 0.5, options)).toBe(bound / 2);
      expect(backoffMs(attempt, 1, options)).toBe(bound);
    }
    expect(backoffMs(5_000, 1, options)).toBe(30_000);
  });

  test("takes an option that is undefined for one that is not there", () => {
    const options = { minMs: undefined, maxMs: undefined } as never;
    expect(resolveBackoff(options)).toEqual({
      minMs: 100,
      maxMs: 30_000,
      maxAttempts: Number.POSITIVE_INFINITY,
    });
  });
});
