import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { ROOT } from "../../scripts/paths.mjs";
import type { Bench, Figure, Plan } from "../harness.ts";
import { installPeers } from "../peers/packages.ts";
import { median } from "../statistics.ts";
import { measureInChromium } from "./chromium.ts";
import type { CodecRow } from "./measure.ts";
import { SHAPES } from "./shapes.ts";

const run = promisify(execFile);

/** Many short runs: on a machine that does other work too, most of them are not interrupted. */
export const FULL_CODEC_PLAN: Plan = { quick: false, runs: 31, runMs: 8, warmUpMs: 200 };
const QUICK_CODEC_PLAN: Plan = { quick: true, runs: 7, runMs: 4, warmUpMs: 40 };

/** A message of five fields each way (P13). */
const TARGET_NS = 200;
/** What must be slower and longer than the schema codec (P13). */
const BEATEN: readonly string[] = ["JSON", "@msgpack/msgpack", "msgpackr"];

/** Rows of a Node process that does nothing else. */
export async function measureInNode(plan: Plan): Promise<CodecRow[]> {
  installPeers();
  const program = ["--packages=bench", "--expose-gc", "bench/codecs/rivals/main.ts", JSON.stringify(plan)];
  const { stdout } = await run(process.execPath, ["scripts/run-ts.mjs", ...program], { cwd: ROOT });
  return JSON.parse(stdout) as CodecRow[];
}

const node: Bench = {
  id: "P13",
  run: async ({ quick }) => toFigures(await measureInNode(quick ? QUICK_CODEC_PLAN : FULL_CODEC_PLAN), ""),
};

const chromium: Bench = {
  id: "P13",
  run: async ({ quick }) =>
    toFigures(await measureInChromium(quick ? QUICK_CODEC_PLAN : FULL_CODEC_PLAN), ", Chromium"),
};

/** The schema codec beside all others: time each way, and bytes. */
export const CODECS: readonly Bench[] = [node, chromium];

function toFigures(rows: readonly CodecRow[], where: string): Figure[] {
  return SHAPES.flatMap((shape, index) => {
    const [ours, ...others] = rows.filter((row) => row.shape === shape.name);
    return others.flatMap((other) => {
      const beaten = index === 0 && BEATEN.includes(other.codec);
      const nanoseconds = beaten ? { value: TARGET_NS, ratio: 1 } : undefined;
      const figure = (what: string, unit: string, own: readonly number[], peer: readonly number[]) => {
        const target = unit === "ns" ? nanoseconds : beaten ? { ratio: 1 } : undefined;
        return {
          id: "P13",
          name: `${what} ${shape.name}${where}`,
          unit,
          better: "lower" as const,
          samples: own,
          peer: { name: other.codec, samples: peer },
          ...(target === undefined ? {} : { target }),
        };
      };
      return [
        figure("encode", "ns", ours!.encodeNs, other.encodeNs),
        figure("decode", "ns", ours!.decodeNs, other.decodeNs),
        figure("bytes of", "B", [ours!.bytes], [other.bytes]),
      ];
    });
  });
}

/** The rows as Markdown tables, one a shape: medians. */
export function toMarkdown(rows: readonly CodecRow[]): string {
  return SHAPES.map((shape) => {
    const lines = rows
      .filter((row) => row.shape === shape.name)
      .map(
        ({ codec, bytes, encodeNs, decodeNs }) =>
          `| ${codec} | ${Math.round(bytes)} | ${Math.round(median(encodeNs))} | ${Math.round(median(decodeNs))} |`,
      );
    const title = `${shape.name[0]!.toUpperCase()}${shape.name.slice(1)}`;
    return [`| ${title} | bytes | encode, ns | decode, ns |`, "|---|---|---|---|", ...lines].join("\n");
  }).join("\n\n");
}
