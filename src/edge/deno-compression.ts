/** Compression in Deno. */
import { type LoadCompressors, loader } from "../compression/load.ts";
import { DENO } from "./native.ts";

export type { LoadCompressors, LoadOptions } from "../compression/load.ts";
export { deflate } from "../core/compression/deflate.ts";
export * from "../core/compression/index.ts";
/** See {@link LoadCompressors}. */
export const loadCompressors: LoadCompressors = loader(DENO);
