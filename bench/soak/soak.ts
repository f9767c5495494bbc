import type { Bench, Figure } from "../harness.ts";
import { Helper } from "../helper.ts";
import { median } from "../statistics.ts";
import { SERVER } from "../transports/carriers/node.ts";
import type { ServerCommands } from "../transports/programs/server.ts";
import type { Kind, SoakCommands } from "./client.ts";

/** Memory is taken so often during a soak. */
const POINTS = 15;
/** Memory may grow by this much from the first third of a soak to the last. */
const MOST_GROWTH = 1.1;

/** Memory of both processes at one time, MiB, and the turns so far. */
interface Point {
  readonly server: number;
  readonly client: number;
  readonly turns: number;
}

/** S7: memory of both sides while connections work, come and go and are cut, for so many seconds. */
export async function soak(seconds: number, onPoint: (line: string) => void = () => {}): Promise<Figure[]> {
  const kinds = ["tideway", "ws"] as const;
  const runs = await Promise.all(kinds.map((kind) => soakOne(kind, seconds, onPoint)));
  const xs = Array.from({ length: POINTS }, (_, index) => round(((index + 1) * seconds) / POINTS));
  const [ours = [], bare = []] = runs;
  return (["server", "client"] as const).map((side) => ({
    id: "S7",
    name: `memory of the ${side} over ${seconds.toLocaleString("en-US")} s, its last third against its first`,
    unit: "times",
    better: "lower",
    samples: [growth(ours.map((point) => point[side]))],
    peer: { name: "ws", samples: [growth(bare.map((point) => point[side]))] },
    target: { value: MOST_GROWTH },
    curve: { xName: "seconds", unit: "MiB", xs, costs: ours.map((point) => point[side]) },
  }));
}

/** The soak as a bench, far shorter than `npm run bench:soak`. */
export const shortSoak: Bench = { id: "S7", run: ({ quick }) => soak(quick ? 1 : 60) };

async function soakOne(kind: Kind, seconds: number, onPoint: (line: string) => void): Promise<Point[]> {
  const server = new Helper<ServerCommands>(SERVER);
  const client = new Helper<SoakCommands>("bench/soak/client.ts");
  try {
    const { tideway, bare } = await server.ask("targets");
    await client.ask("open", { kind, url: kind === "tideway" ? tideway.websocket : bare.websocket });
    // What the first turns compile and cache is not theirs.
    await client.ask("work", Math.min(10_000, (seconds * 1_000) / 3));
    const points: Point[] = [];
    for (let point = 1; point <= POINTS; point++) {
      const turns = await client.ask("work", (seconds * 1_000) / POINTS);
      const mebibytes = (bytes: number) => bytes / 2 ** 20;
      const memory = {
        server: mebibytes(await server.ask("usedBytes")),
        client: mebibytes(await client.ask("usedBytes")),
      };
      points.push({ ...memory, turns });
      const at = round((point * seconds) / POINTS);
      onPoint(
        `${kind.padEnd(7)} ${at} s, ${turns} turns: server ${memory.server.toFixed(2)} MiB, client ${memory.client.toFixed(2)} MiB`,
      );
    }
    return points;
  } finally {
    await client.close();
    await server.close();
  }
}

/** The last third as a multiple of the first one. */
function growth(values: readonly number[]): number {
  const third = Math.floor(values.length / 3);
  return median(values.slice(-third)) / median(values.slice(0, third));
}

function round(seconds: number): number {
  return Math.round(seconds * 10) / 10;
}
