import { badBytes, type Compressor, CompressorNumber, checkLength } from "../core/compression/compressor.ts";

/** Name of the package: an optional peer. */
export const ZSTD_WASM = "@bokuweb/zstd-wasm";

/** The part of `@bokuweb/zstd-wasm` that is used. */
export interface ZstdWasmModule {
  init(path?: string): Promise<void>;
  compress(source: Uint8Array, level?: number): Uint8Array;
  decompress(source: Uint8Array, options?: { defaultHeapSize: number }): Uint8Array;
}

/**
 * Bytes that a frame says it has; `undefined` when it does not say. Source: RFC 8878, section 3.1.1.1.
 * @throws {ProtocolError} when it is no frame of data.
 */
export function zstdContentBytes(frame: Uint8Array): number | undefined {
  const magic = (frame[0] ?? 0) | ((frame[1] ?? 0) << 8) | ((frame[2] ?? 0) << 16);
  if (magic !== 0x2fb528 || frame[3] !== 0xfd) throw badBytes("zstd", "it begins as no frame does");
  const descriptor = frame[4] ?? 0;
  const single = (descriptor >>> 5) & 1;
  const kind = descriptor >>> 6;
  const width = kind === 0 ? single : 1 << kind;
  const at = 5 + (single === 1 ? 0 : 1) + ([0, 1, 2, 4][descriptor & 3] as number);
  if (at + width > frame.length) throw badBytes("zstd", "its header is cut off");
  if (width === 0) return undefined;
  let value = 0;
  for (let i = width - 1; i >= 0; i--) value = value * 256 + (frame[at + i] as number);
  return width === 2 ? value + 256 : value;
}

/** Modules that are initialized: doing so again would break what is in use. */
const READY: WeakMap<ZstdWasmModule, Promise<void>> = new WeakMap();

/**
 * Zstandard in WASM, by `@bokuweb/zstd-wasm`.
 *
 * The module makes room by what a frame says of itself, so one that says another length than the record is refused
 * before.
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
    compress: (source, into) => {
      const data = module.compress(source, level);
      if (data.length > into.length) return 0;
      into.set(data, 0);
      return data.length;
    },
    expand: (source, length, into) => {
      const says = zstdContentBytes(source);
      if (says !== undefined && says !== length)
        throw badBytes("zstd", `${says} bytes come out instead of ${length}`);
      let bytes: Uint8Array;
      try {
        bytes = module.decompress(source, { defaultHeapSize: Math.max(1, length) });
      } catch (error) {
        throw badBytes("zstd", error instanceof Error ? error.message : String(error));
      }
      return checkLength("zstd", bytes, length, into);
    },
  };
}
