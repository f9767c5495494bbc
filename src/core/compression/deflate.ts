import { deflateSync } from "fflate";
import { type Compressor, CompressorNumber, checkLevel, MostPassed } from "./compressor.ts";
import { inflate } from "./inflate.ts";

/** Levels of deflate. */
export const MOST_DEFLATE_LEVEL = 9;
/** What reads it does not care, and this one is fast. */
export const DEFAULT_DEFLATE_LEVEL = 4;

/**
 * Deflate in JavaScript, for runtimes that have none of their own: compressed by `fflate`, and expanded here.
 * @param level - 1 (fast) to 9 (small); 4 by default
 * @throws {RangeError} for another level.
 */
export function deflate(level: number = DEFAULT_DEFLATE_LEVEL): Compressor {
  checkLevel("deflate", level, MOST_DEFLATE_LEVEL);
  const options = { level: level as 1 };
  return {
    name: "deflate",
    number: CompressorNumber.deflate,
    mostPassed: MostPassed.deflate,
    compress: (source, into) => {
      const data = deflateSync(source, options);
      if (data.length > into.length) return 0;
      into.set(data, 0);
      return data.length;
    },
    expand: inflate,
  };
}
