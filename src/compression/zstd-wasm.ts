import {
  badBytes,
  type Compressor,
  CompressorNumber,
  checkLength,
  MostPassed,
} from "../core/compression/compressor.ts";
import { messageOf } from "../core/errors.ts";
import { checkZstdFrame } from "./zstd-frame.ts";

/** Name of the package: an optional peer. */
export const ZSTD_WASM = "@bokuweb/zstd-wasm";

/** The part of `@bokuweb/zstd-wasm` that is used. */
export interface ZstdWasmModule {
  init(path?: string): Promise<void>;
  compress(source: Uint8Array, level?: number): Uint8Array;
  decompress(source: Uint8Array, options?: { defaultHeapSize: number }): Uint8Array;
}

/** Modules that are initialized: doing so again would break what is in use. */
const READY: WeakMap<ZstdWasmModule, Promise<void>> = new WeakMap();

/**
 * Zstandard in WASM, by `@bokuweb/zstd-wasm`.
 *
 * The module makes room by what a frame says of itself, which is checked before.
 * @param level - 1 to 19
 * @throws when the package is not there, or WASM may not be made.
 */
export async function zstdWasm(level: number, load: () => Promise<unknown>): Promise<Compressor> {
  const loaded = (await load()) as ZstdWasmModule & { readonly default?: ZstdWasmModule };
  const module = typeof loaded.init === "function" ? loaded : (loaded.default as ZstdWasmModule);
  const ready = READY.get(module) ?? module.init();
  READY.set(module, ready);
  await ready;
  return {
    name: "zstd",
    number: CompressorNumber.zstd,
    mostPassed: MostPassed.zstd,
    compress: (source, into) => {
      const data = module.compress(source, level);
      if (data.length > into.length) return 0;
      into.set(data, 0);
      return data.length;
    },
    expand: (source, length, into) => {
      checkZstdFrame(source, length);
      let bytes: Uint8Array;
      try {
        bytes = module.decompress(source, { defaultHeapSize: Math.max(1, length) });
      } catch (error) {
        throw badBytes("zstd", messageOf(error));
      }
      return checkLength("zstd", bytes, length, into);
    },
  };
}
