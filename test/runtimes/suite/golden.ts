import { type Compressor, loadCompressors } from "tideway/compression";
import { replayCorpus } from "../../compression/corpus.ts";
import { makeInput } from "../../compression/inputs.ts";
import { type GoldenResult, runGolden } from "../../golden/schema/golden.ts";
import { runHostile } from "../../malformed/codecs/hostile.ts";
import golden from "../../vectors/compression.json" with { type: "json" };

/** What a runtime made of the golden files. */
export interface GoldenReport {
  /** How many of each compressor came out right. */
  readonly right: Readonly<Record<string, number>>;
  readonly wrong: readonly string[];
}

/**
 * Expand every golden file, and every hostile block, by the best compressors that this runtime has, and by those in
 * JavaScript.
 */
export async function checkGolden(): Promise<GoldenReport> {
  const right: Record<string, number> = {};
  const wrong: string[] = [];
  for (const native of [true, false]) {
    const compressors = await loadCompressors(["lz4", "deflate", "zstd"], { native });
    for (const compressor of compressors)
      wrong.push(...replayCorpus(compressor).wrong.map((problem) => `native ${native}, ${problem}`));
    for (const { name, compressor, kind, length, base64 } of golden) {
      const found = compressors.find((one) => one.name === compressor);
      if (found === undefined) continue;
      const problem = tryOne(found, base64, makeInput(kind, length, 1));
      if (problem === undefined) right[compressor] = (right[compressor] ?? 0) + 1;
      else wrong.push(`${compressor}, native ${native}, ${name}: ${problem}`);
    }
  }
  return { right, wrong };
}

function tryOne(compressor: Compressor, base64: string, expected: Uint8Array): string | undefined {
  const block = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  try {
    const bytes = compressor.expand(block, expected.length);
    const at = bytes.findIndex((byte, i) => byte !== expected[i]);
    return at < 0 ? undefined : `differs at ${at}`;
  } catch (error) {
    return String(error);
  }
}

/** Decode and encode every case of the golden file of the schema codec. */
export function checkGoldenSchemas(): { cases: number; problems: string[] } {
  return summaryOf(runGolden());
}

/** Decode hostile bytes by every codec. */
export function checkHostile(): { cases: number; problems: string[] } {
  return summaryOf(runHostile());
}

function summaryOf(results: readonly GoldenResult[]): { cases: number; problems: string[] } {
  const failed = results.filter(({ problem }) => problem !== undefined);
  return { cases: results.length, problems: failed.map(({ name, problem }) => `${name}: ${problem}`) };
}
