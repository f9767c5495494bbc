import { accept, type Bytes, connectWith, memoryPair, raw, type Session } from "tideway";
import { type Compressor, compression, loadCompressors, lz4 } from "tideway/compression";
import { makeInput } from "../../test/compression/inputs.ts";
import { type Bench, check, type Figure, race, type Work } from "../harness.ts";
import { checkTally, type Tally } from "../messages.ts";
import { sendAll, tallyAll } from "../streams.ts";
import { cpuMs } from "./algorithms.ts";

/** 1,000 messages of telemetry: what one task sends, and so one record or two. */
const TELEMETRY: readonly Bytes[] = Array.from({ length: 1_000 }, (_, i) =>
  new TextEncoder().encode(`{"s":"cpu${i % 8}","t":${1_700_000_000 + i},"v":${(i * 37) % 1_000}}`),
);
const NOISE: readonly Bytes[] = Array.from({ length: 64 }, (_, i) => makeInput("noise", 16_384, i + 1));

/** Sends messages over a session in memory, compressed by `compressor` or not. */
async function sender(pool: readonly Bytes[], compressor?: Compressor) {
  const options = compressor && { compression: compression([compressor], { sameMachine: true }) };
  let onTally: (tally: Promise<Tally>) => void = () => {};
  const { a, b } = memoryPair();
  const onSession = (session: Session) => session.onStream("sink", (stream) => onTally(tallyAll(stream)));
  accept(b, { codecs: [raw], onSession, ...options });
  const client = await connectWith(async () => a, { codecs: [raw], reconnect: false, ...options });
  const work: Work = async (count) => {
    const arrived = new Promise<Tally>((resolve) => {
      onTally = resolve;
    });
    const start = cpuMs();
    const stream = client.openStream("sink");
    await sendAll(stream, pool, count);
    const closed = stream.close();
    const tally = await arrived;
    const elapsed = cpuMs() - start;
    checkTally(tally, pool, count);
    await closed;
    return elapsed;
  };
  return { client, work };
}

/**
 * A whole session in memory, both sides in one thread: what compression costs there, and what it saves. What it costs
 * where nothing shrinks is less than two rates of such sessions differ by chance: see `inVain`.
 */
export const wholeSessions: Bench = {
  id: "compression",
  async run(plan) {
    const [native] = await loadCompressors(["lz4"]);
    check(native !== undefined, "there is no LZ4");
    const senders = [
      ["plain", await sender(TELEMETRY)],
      ["lz4, TypeScript", await sender(TELEMETRY, lz4)],
      ["lz4, the fastest here", await sender(TELEMETRY, native)],
    ] as const;
    const rates = await race(plan, ...senders.map(([, { work }]) => work));
    const peer = { name: "not compressed", samples: rates[0] as number[] };
    const figures: Figure[] = senders.map(([name, { client }], i) => {
      const { bytesSaved, bytesSent } = client.stats();
      const saved = Math.round((100 * bytesSaved) / (bytesSaved + bytesSent));
      return {
        id: "compression",
        name: `telemetry of 35 bytes, 1,000 a record, ${name}: ${saved} % fewer bytes`,
        unit: "messages/s",
        better: "higher",
        samples: rates[i] as number[],
        ...(i === 0 ? {} : { peer }),
      };
    });
    const noise = [await sender(NOISE), await sender(NOISE, lz4)];
    const [plain, tried] = await race(plan, ...noise.map(({ work }) => work));
    check(noise[1]!.client.stats().bytesSaved < 100_000, "noise was compressed");
    return [
      ...figures,
      {
        id: "compression",
        name: "noise in messages of 16 KiB, tried in vain",
        unit: "messages/s",
        better: "higher",
        samples: tried as number[],
        peer: { name: "not compressed", samples: plain as number[] },
      },
    ];
  },
};
