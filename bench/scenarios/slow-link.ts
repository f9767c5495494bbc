import { once } from "node:events";
import type { Bytes } from "tideway";
import { compression, loadCompressors } from "tideway/compression";
import { connect, raw } from "tideway/node";
import { WebSocket } from "ws";
import { SlowLink } from "../../test/chaos/slow-link.ts";
import { type Bench, type Figure, interleave, longRuns } from "../harness.ts";
import { Helper } from "../helper.ts";
import { checkTally, type Tally } from "../messages.ts";
import { makeRecords } from "../peers/record.ts";
import { sendMessages } from "../transports/session-streams.ts";
import { type COMPRESSORS, DEFLATE } from "./link-options.ts";
import type { LinkServerCommands } from "./link-server.ts";

/** 1 Mbit/s each way, and 100 ms there and back. */
const SHAPE = { bitsPerSecond: 1e6, delayMs: 50 };

/** Sends `count` messages of the pool. @returns the time until the server has counted them, ms. */
interface Sender {
  send(pool: readonly Bytes[], count: number): Promise<number>;
  close(): unknown;
}

/** S5: small records of JSON from a client behind a slow link. */
export const slowLink: Bench = {
  id: "S5",
  async run(plan) {
    const server = new Helper<LinkServerCommands>("bench/scenarios/link-server.ts");
    const ports = await server.ask("ports");
    const ours = await SlowLink.open(ports.tideway, SHAPE);
    const bare = await SlowLink.open(ports.ws, SHAPE);
    const senders: Sender[] = [];
    try {
      senders.push(
        await dialTideway(ours.port),
        await dialTideway(ours.port, "lz4"),
        await dialTideway(ours.port, "deflate"),
        await dialWs(bare.port, false),
        await dialWs(bare.port, true),
      );
      const pool = makeRecords().map((record) => new TextEncoder().encode(JSON.stringify(record)) as Bytes);
      const count = plan.quick ? 100 : 2_000;
      const bytes = pool.reduce((sum, { length }) => sum + length, 0) / pool.length;
      const works = senders.map(
        ({ send }) =>
          async () =>
            (bytes * count) / (await send(pool, count)),
      );
      for (const work of works) await work();
      const [plain, lz4, deflate, ws, wsDeflate] = await interleave(longRuns(plan), ...works);
      return [
        toFigure("not compressed", plain!, "ws", ws!),
        toFigure("LZ4", lz4!, "ws, permessage-deflate", wsDeflate!),
        toFigure("deflate", deflate!, "ws, permessage-deflate", wsDeflate!),
      ];
    } finally {
      for (const sender of senders) await sender.close();
      await Promise.all([ours.close(), bare.close()]);
      await server.close();
    }
  },
};

function toFigure(how: string, samples: readonly number[], peer: string, bare: readonly number[]): Figure {
  return {
    id: "S5",
    name: `records of JSON over 1 Mbit/s and 100 ms, ${how}`,
    unit: "kB/s",
    better: "higher",
    samples,
    peer: { name: peer, samples: bare },
  };
}

async function dialTideway(port: number, compressor?: (typeof COMPRESSORS)[number]): Promise<Sender> {
  const compressors = compressor === undefined ? [] : await loadCompressors([compressor]);
  const session = await connect(`ws://127.0.0.1:${port}`, {
    codecs: [raw],
    reconnect: false,
    ...(compressors.length > 0 && { compression: compression(compressors) }),
  });
  return {
    send: (pool, count) => sendMessages(session, pool, count),
    close: () => session.close(),
  };
}

async function dialWs(port: number, compressed: boolean): Promise<Sender> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}`, { perMessageDeflate: compressed && DEFLATE });
  await once(socket, "open");
  return {
    async send(pool, count) {
      const start = performance.now();
      const answered = once(socket, "message") as Promise<[Buffer]>;
      for (let i = 0; i < count; i++) socket.send(pool[i % pool.length]!, { binary: true });
      socket.send("tally");
      const [answer] = await answered;
      const elapsed = performance.now() - start;
      checkTally(JSON.parse(answer.toString()) as Tally, pool, count);
      return elapsed;
    },
    close: () => socket.terminate(),
  };
}
