import { afterEach, describe, expect, test } from "vitest";
import { transportSuite } from "../../test/conformance/transport.ts";
import { Framed } from "../../test/framed.ts";
import { until } from "../../test/sessions.ts";
import { Word } from "../channels/layout.ts";
import type { WireError } from "../core/errors.ts";
import { MAIN_LANE } from "../core/lanes/lane.ts";
import { makeRingPair, type RingOptions, RingTransport } from "./ring.ts";

const MIB = 1024 * 1024;

for (const ringBytes of [4_096, 512 * 1024]) {
  transportSuite(
    `ring of ${ringBytes} bytes`,
    async () => {
      const { port1, port2 } = new MessageChannel();
      const pair = makeRingPair({ ringBytes });
      return {
        a: new Framed(new RingTransport(pair, port1, "maker")),
        b: new Framed(new RingTransport(pair, port2, "taker")),
        lose: () => port1.close(),
        cleanup: async () => port1.close(),
      };
    },
    { maxRecordBytes: 16 * MIB, lossCode: "ERR_PEER_GONE" },
  );
}

/** One transport, and the bare rings and port at its other end. */
function open(options: RingOptions = {}) {
  const { port1, port2 } = new MessageChannel();
  ports.push(port2);
  const heard: unknown[] = [];
  port2.addEventListener("message", ({ data }) => heard.push(data));
  port2.start();
  const pair = makeRingPair(options);
  const transport = new RingTransport(pair, port1, "maker", options);
  const log: { bytes: number; ended: boolean; error: WireError | undefined } = {
    bytes: 0,
    ended: false,
    error: undefined,
  };
  transport.start({
    data: (_lane, bytes) => {
      log.bytes += bytes.length;
    },
    drain: () => {},
    lane: () => {},
    datagram: () => {},
    closed: (error) => {
      log.ended = true;
      log.error = error;
    },
  });
  port2.postMessage({ lock: "" });
  return { transport, pair, port: port2, heard, log };
}

let ports: MessagePort[] = [];
afterEach(() => {
  for (const port of ports) port.close();
  ports = [];
});

describe("RingTransport", () => {
  test("refuses sizes that cannot be", () => {
    for (const ringBytes of [0, 1_024, 5_000, 2 ** 30])
      expect(() => makeRingPair({ ringBytes })).toThrow(RangeError);
  });

  test.each([1, "text", { close: "1", reason: "" }, { lock: 1 }, new Uint8Array(1)])(
    "ends with ERR_PROTOCOL when the port says %o",
    async (message) => {
      const { port, log, heard } = open();
      port.postMessage(message);
      await until(() => log.ended);
      expect(log.error).toMatchObject({ code: "ERR_PROTOCOL" });
      await until(() => heard.length > 1);
      expect(heard.at(-1)).toMatchObject({ close: 4001 });
    },
  );

  test.each([1, 3, -4, 2 ** 30, 0x7fff_fffc])("ends with ERR_PROTOCOL when the tail is %i", async (tail) => {
    const { pair, log } = open();
    Atomics.store(new Int32Array(pair.back), Word.TAIL, tail);
    await until(() => log.ended);
    expect(log.error).toMatchObject({ code: "ERR_PROTOCOL" });
    expect(log.bytes).toBe(0);
  });

  test.each([-2, 600_000, 0x7fff_ffff])("ends with ERR_PROTOCOL when a length is %i", async (length) => {
    const { pair, log } = open();
    const words = new Int32Array(pair.back);
    words[768 >> 2] = length;
    Atomics.store(words, Word.TAIL, 64);
    await until(() => log.ended);
    expect(log.error).toMatchObject({ code: "ERR_PROTOCOL" });
    expect(log.bytes).toBe(0);
  });

  test("ends with ERR_PROTOCOL when the reader's position cannot be", async () => {
    const { pair, transport, log } = open({ ringBytes: 4_096 });
    Atomics.store(new Int32Array(pair.there), Word.HEAD, 8);
    transport.write(MAIN_LANE, new Uint8Array(8_000));
    await until(() => log.ended);
    expect(log.error).toMatchObject({ code: "ERR_PROTOCOL" });
  });

  test("answers a ping, and is lost when nobody answers its own", async () => {
    const { port, heard, log } = open({ silenceMs: 100 });
    port.postMessage("ping");
    await until(() => heard.includes("pong"));
    await until(() => log.ended);
    expect(log.error).toMatchObject({ code: "ERR_PEER_GONE" });
  });

  test("close() gives up what the other side does not take", { timeout: 15_000 }, async () => {
    const { transport, log, heard } = open({ ringBytes: 4_096 });
    expect(transport.write(MAIN_LANE, new Uint8Array(MIB))).toBe(false);
    transport.close(1000, "");
    await until(() => log.ended, 10_000);
    expect(log.error).toBe(undefined);
    await until(() => heard.length > 1);
    expect(heard).toEqual([{ lock: "" }, { close: 1000, reason: "" }]);
  });
});
