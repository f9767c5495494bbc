import { afterEach, describe, expect, test } from "vitest";
import type { Bytes, MessageStream, Session } from "../index.ts";
import { accept } from "../session/accept.ts";
import { connectWith } from "../session/connect.ts";
import { memoryPair } from "../transports/memory.ts";
import { MessagePortTransport } from "../transports/message-port.ts";
import type { Transport } from "../transports/transport.ts";
import { connect } from "./dial.ts";
import { serve } from "./serve.ts";

// What a listener borrows lies in memory that is used again; what anybody else holds does not.

const LENGTH = 40_000;
const COUNT = 64;

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** What leads from one thread to itself. */
const PAIRS: Readonly<Record<string, () => readonly [Transport, Transport]>> = {
  memory: () => {
    const { a, b } = memoryPair();
    return [a, b];
  },
  port: () => {
    const { port1, port2 } = new MessageChannel();
    return [new MessagePortTransport(port1), new MessagePortTransport(port2)];
  },
};

/** A client whose server sends COUNT messages on each stream, each full of its number. */
async function openSource(url: string): Promise<Session> {
  const onSession = (session: Session) =>
    session.onStream("source", async (stream) => {
      for (let i = 0; i < COUNT; i++) await stream.send(new Uint8Array(LENGTH).fill(i));
      await stream.close();
    });
  const pair = PAIRS[url]?.();
  if (pair !== undefined) {
    accept(pair[1], { onSession });
    const client = await connectWith(async () => pair[0], { reconnect: false });
    cleanups.push(() => client.close());
    return client;
  }
  const server = await serve({ listen: [url], onSession });
  const client = await connect(server.urls[0]!, { reconnect: false });
  cleanups.push(
    () => server.close({ drainMs: 0 }),
    () => client.close(),
  );
  return client;
}

/** Whether a message is as it was sent. */
function isWhole(message: Bytes, number: number): boolean {
  return message.length === LENGTH && message.every((byte) => byte === number);
}

/** Hear a stream to its end. @returns how many messages came whole, and in how many buffers. */
function hear(stream: MessageStream, borrow: boolean): Promise<{ whole: number; buffers: number }> {
  const buffers: Set<ArrayBuffer> = new Set();
  let count = 0;
  let whole = 0;
  return new Promise((resolve, reject) => {
    stream.listen(
      (message) => {
        if (isWhole(message, count++)) whole++;
        buffers.add(message.buffer);
      },
      (error) => (error === undefined ? resolve({ whole, buffers: buffers.size }) : reject(error)),
      { borrow },
    );
  });
}

/** Take all messages of a stream, and look at them when the last one is there. */
async function take(stream: MessageStream): Promise<number> {
  const messages: Bytes[] = [];
  for await (const message of stream) messages.push(message);
  return messages.filter(isWhole).length;
}

describe.each([...Object.keys(PAIRS), "tcp://127.0.0.1:0", "ipc:borrow-test", "ws://127.0.0.1:0"])(
  "over %s",
  (url) => {
    test("borrowed messages arrive whole, and share memory where it is ours", async () => {
      const client = await openSource(url);
      const borrowed = await hear(client.openStream("source"), true);
      const kept = await hear(client.openStream("source"), false);
      expect([borrowed.whole, kept.whole]).toEqual([COUNT, COUNT]);
      expect(kept.buffers).toBe(COUNT);
      // A runtime makes the buffers of ws; over a port memory comes back as another object.
      if (!["port", "ws://127.0.0.1:0"].includes(url)) expect(borrowed.buffers).toBeLessThan(COUNT / 2);
    });

    test("streams that borrow harm none that does not", async () => {
      const client = await openSource(url);
      const streams = Array.from({ length: 8 }, () => client.openStream("source"));
      const results = await Promise.all(
        streams.map(async (stream, i) => (i % 2 === 0 ? (await hear(stream, true)).whole : take(stream))),
      );
      expect(results).toEqual(streams.map(() => COUNT));
    });

    test("what was taken before a listener borrows stays, and what is taken after it", async () => {
      const client = await openSource(url);
      const stream = client.openStream("source");
      const first = (await stream.receive())!;
      const second = (await stream.receive())!;
      let heard = 2;
      let whole = 0;
      await new Promise<void>((resolve) => {
        stream.listen(
          (message) => {
            if (isWhole(message, heard++)) whole++;
          },
          () => resolve(),
          { borrow: true },
        );
      });
      expect(whole).toBe(COUNT - 2);
      expect(isWhole(first, 0) && isWhole(second, 1)).toBe(true);
    });
  },
);
