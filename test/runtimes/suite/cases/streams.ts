import { check, checkSample, codeOf, equal, sample, sleep, until } from "../assert.ts";
import type { Case } from "../case.ts";
import { BYTES_STREAM, MAX_MESSAGE_BYTES } from "../contract.ts";

const SIZES = [1, 63, 64, 1_000, 16_384, 65_535, 65_536, 65_537, 262_144, 1_048_577, MAX_MESSAGE_BYTES];

/** Messages and datagrams: their sizes, how much waits, which goes first, what is left. */
export const STREAMS: readonly Case[] = [
  {
    name: "messages of 1 byte to 16 MiB, both ways",
    needs: "url",
    async run(open) {
      const { session } = await open();
      const stream = session.openStream(BYTES_STREAM);
      for (const size of SIZES) {
        await stream.send(sample(size));
        checkSample((await stream.receive()) as Uint8Array | undefined, size);
      }
      await stream.close();
      equal(await stream.receive(), undefined);
    },
  },
  {
    name: "the limit of a message",
    needs: "url",
    async run(open) {
      const { session } = await open();
      const stream = session.openStream(BYTES_STREAM);
      equal(await codeOf(stream.send(new Uint8Array(MAX_MESSAGE_BYTES + 1))), "ERR_MESSAGE_TOO_LARGE");
      equal(session.state, "open");
    },
  },
  {
    name: "24 MiB through one stream",
    needs: "url",
    async run(open) {
      const { calls } = await open();
      let received = 0;
      for await (const text of calls.fill(60_000)) {
        received += text.length;
        if (received >= 24 * 1024 * 1024) break;
      }
    },
  },
  {
    name: "a slow reader holds back its own stream alone",
    needs: "url",
    async run(open) {
      const limits = { streamWindowBytes: 65_536, maxStreamWindowBytes: 65_536 };
      const { calls } = await open({ limits });
      const slow = calls.fill(1_000);
      await slow.receive();
      let before = -1;
      await until(async () => {
        const last = before;
        before = await calls.filled();
        await sleep(30);
        return last === before;
      });
      check(before < 150, `fewer than 150 messages, got ${before}`);
      for (let i = 0; i < 50; i++) equal(await calls.add([i, 1]), i + 1);
      equal(await calls.filled(), before);
      for (let i = 0; i < 100; i++) await slow.receive();
      check((await calls.filled()) >= 100, "the stream to go on");
      slow.cancel();
    },
  },
  {
    name: "priority",
    needs: "url",
    async run(open) {
      const { calls } = await open();
      await calls.add([0, 0]);
      const order: string[] = [];
      const low = calls.echo({ priority: 7 });
      const sent = low.send("x".repeat(8 * 1024 * 1024));
      const heard = low.receive().then(() => order.push("low"));
      const high = calls.add([1, 2], { priority: 0 }).then(() => order.push("high"));
      await Promise.all([sent, heard, high]);
      equal(order, ["high", "low"]);
      low.cancel();
    },
  },
  {
    name: "datagrams",
    needs: "url",
    async run(open) {
      const { session, calls } = await open({ onSession: () => {} });
      await calls.add([0, 0]);
      const got: number[] = [];
      session.addEventListener("datagram", ({ payload }) => got.push(payload[0] as number));
      equal(session.sendDatagram(new Uint8Array([1])), true);
      equal(session.sendDatagram(new Uint8Array([2])), true);
      equal(session.sendDatagram(new Uint8Array(5_000)), false);
      await until(() => got.length === 2);
      equal(got.sort(), [1, 2]);
    },
  },
  {
    name: "100 streams at a time",
    needs: "url",
    async run(open) {
      const { calls } = await open({ limits: { maxCalls: 200 } });
      const sums: Promise<number>[] = [];
      for (let i = 0; i < 50; i++) sums.push(calls.sum().sendAll([i, i, i]));
      equal(
        await Promise.all(sums),
        Array.from({ length: 50 }, (_, i) => 3 * i),
      );
      const { session } = await open();
      const streams = Array.from({ length: 100 }, () => session.openStream(BYTES_STREAM));
      for (const [i, stream] of streams.entries()) await stream.send(sample(100 + i));
      for (const [i, stream] of streams.entries()) {
        checkSample((await stream.receive()) as Uint8Array | undefined, 100 + i);
        await stream.close();
      }
    },
  },
  {
    name: "nothing is left behind",
    needs: "url",
    async run(open) {
      const { session, calls } = await open();
      await Promise.all(Array.from({ length: 60 }, (_, i) => calls.add([i, i])));
      for await (const number of calls.count(100)) if (number === 50) break;
      await until(() => session.stats().streams === 0);
      const { queuedBytes, unreadBytes, streams, state } = session.stats();
      equal(
        { queuedBytes, unreadBytes, streams, state },
        { queuedBytes: 0, unreadBytes: 0, streams: 0, state: "open" },
      );
    },
  },
];
