import { type Compressor, type CompressorName, checkLevel } from "../core/compression/compressor.ts";
import { messageOf } from "../core/errors.ts";
import { nodeModule } from "./node-module.ts";
import type { Zlib } from "./zlib.ts";

/** How {@link LoadCompressors} chooses. */
export interface LoadOptions {
  /** Use what the runtime has itself, optional packages and WASM. False: JavaScript alone. Default true. */
  readonly native?: boolean;
  /** Level of Zstandard, 1 (fast) to 19 (small). Default 3. */
  readonly zstdLevel?: number;
  /** Level of deflate, 1 (fast) to 9 (small). Default 4. */
  readonly deflateLevel?: number;
  /**
   * Where the runtime has no Zstandard: gives the optional package `@bokuweb/zstd-wasm`, as
   * `() => import("@bokuweb/zstd-wasm")`. Needed in pages, whose bundler must see the name; elsewhere it is found.
   */
  readonly zstdPackage?: () => Promise<unknown>;
}

/**
 * Get the fastest compressors that this runtime has, in the order in which they are named. One that it does not have at
 * all is left out; LZ4 and deflate are always there. What is not asked for is not loaded.
 * @throws {RangeError} when a level is out of its bounds.
 */
export type LoadCompressors = (
  names: readonly CompressorName[],
  options?: LoadOptions,
) => Promise<Compressor[]>;

/** {@link LoadOptions} with the defaults. */
export type Levels = Required<Pick<LoadOptions, "zstdLevel" | "deflateLevel">> &
  Pick<LoadOptions, "zstdPackage">;

/** Ways to one compressor, the best first; each gives nothing, or fails, where it does not work. */
export type Ways = Readonly<
  Record<
    CompressorName,
    readonly ((levels: Levels) => Compressor | undefined | Promise<Compressor | undefined>)[]
  >
>;

/** What a runtime brings. */
export interface Runtime {
  /** Whether native ways may be used at all: false when the environment says so. */
  readonly allowed: () => boolean;
  readonly native: Ways;
  /** Told of each way that does not work, at most once. */
  readonly missing: (what: string, error: unknown) => void;
}

/** The function that a runtime exports. */
export function loader({ allowed, native, missing }: Runtime): LoadCompressors {
  const told = new Set<string>();
  return async (names, options = {}) => {
    const levels: Levels = { zstdLevel: 3, deflateLevel: 4, ...options };
    checkLevel("zstd", levels.zstdLevel, 19);
    checkLevel("deflate", levels.deflateLevel, 9);
    const uses = options.native !== false && allowed();
    const found: Compressor[] = [];
    for (const name of names) {
      const ways = [...(uses ? native[name] : []), ...PORTABLE[name]];
      for (const [index, way] of ways.entries()) {
        try {
          const compressor = await way(levels);
          if (compressor === undefined) continue;
          found.push(compressor);
          break;
        } catch (error) {
          const what = `${name}, way ${index + 1} of ${ways.length}`;
          if (!told.has(what)) missing(what, error);
          told.add(what);
        }
      }
    }
    return found;
  };
}

/** What works everywhere. */
const PORTABLE: Ways = {
  lz4: [async () => (await import("../core/compression/lz4.ts")).lz4],
  deflate: [
    async ({ deflateLevel }) => (await import("../core/compression/deflate.ts")).deflate(deflateLevel),
  ],
  zstd: [async ({ zstdLevel, zstdPackage }) => zstdPackage && loadZstd(zstdLevel, zstdPackage)],
};

async function loadZstd(level: number, load: () => Promise<unknown>): Promise<Compressor> {
  return (await import("./zstd-wasm.ts")).zstdWasm(level, load);
}

/** LZ4 in WASM, where that may be made from bytes. */
export async function wasmLz4(): Promise<Compressor> {
  return (await import("./lz4-wasm.ts")).instantiateLz4();
}

/** @throws {Error} when the runtime has none, as Workers without the flag `nodejs_compat`. */
function nodeZlib(): Zlib {
  const zlib = nodeModule("node:zlib");
  if (zlib === undefined) throw new Error("Cannot use node:zlib: this runtime has none");
  return zlib as Zlib;
}

/** Ways of runtimes that have the modules of Node, and Zstandard in them. */
export const NODE_MODULES: Ways = {
  lz4: [wasmLz4],
  deflate: [async ({ deflateLevel }) => (await import("./zlib.ts")).zlibDeflate(nodeZlib(), deflateLevel)],
  zstd: [async ({ zstdLevel }) => (await import("./zlib.ts")).zlibZstd(nodeZlib(), zstdLevel)],
};

/** The part of `node:util` that is used. */
interface Util {
  debuglog(section: string): (format: string, ...values: unknown[]) => void;
}

/** Told with `NODE_DEBUG=tideway`, in runtimes that have the modules of Node. */
export function toldByDebug(what: string, error: unknown): void {
  const util = nodeModule("node:util") as Util | undefined;
  const reason = messageOf(error);
  util?.debuglog("tideway")("%s: %s", what, reason.split("\n", 1)[0]);
}

/** Nothing is told, where there is no log. */
export function untold(): void {}
