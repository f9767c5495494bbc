import type { Bytes } from "../core/bytes.ts";
import {
  badBytes,
  type Compressor,
  CompressorNumber,
  checkLength,
  MostPassed,
} from "../core/compression/compressor.ts";
import { lz4 } from "../core/compression/lz4.ts";
import { LZ4_WASM } from "./lz4-wasm-bytes.ts";

/** What the module exports; all arguments are offsets and lengths in its memory. */
interface Exports {
  readonly memory: WebAssembly.Memory;
  compress(source: number, length: number, into: number, room: number): number;
  expand(source: number, length: number, into: number, room: number): number;
}

/** Where the caller's bytes begin in the memory of the module; it uses what is below itself. */
const FIRST = 16_384;
/** Bytes behind each region that the module may overwrite. */
const SLACK = 32;
const PAGE_BYTES = 65_536;
/** For less the calls and copies cost more than they gain, bytes. */
const LEAST_BYTES = 512;
/** More than this is not copied into the memory, which never shrinks, bytes. */
const MOST_BYTES = 4_194_304;
const MALFORMED = 0xffff_ffff;

/**
 * LZ4 in WASM: the same bytes as in TypeScript, faster. Short input and input that is very long go to TypeScript.
 * @throws {WebAssembly.CompileError} where WASM may not be made from bytes (Workers, a strict policy of a page), or does
 *   not know vectors; `ReferenceError` where there is none.
 */
export function instantiateLz4(): Compressor {
  const bytes = Uint8Array.from(atob(LZ4_WASM), (character) => character.charCodeAt(0));
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes));
  const module = exports as unknown as Exports;
  let view: Bytes = new Uint8Array(module.memory.buffer);

  /** Put `source` into the memory. @returns where the output goes. */
  function place(source: Uint8Array, room: number): number {
    const into = FIRST + source.length + SLACK;
    const needed = into + room + SLACK;
    if (needed > view.length) {
      module.memory.grow(Math.ceil((needed - view.length) / PAGE_BYTES));
      view = new Uint8Array(module.memory.buffer);
    }
    view.set(source, FIRST);
    return into;
  }

  return {
    name: "lz4",
    number: CompressorNumber.lz4,
    mostPassed: MostPassed.lz4,
    compress: (source, into) => {
      const { length } = source;
      if (length < LEAST_BYTES || length > MOST_BYTES) return lz4.compress(source, into);
      const room = Math.min(into.length, length + (length >>> 6) + 32);
      const at = place(source, room);
      const count = module.compress(FIRST, length, at, room);
      into.set(view.subarray(at, at + count), 0);
      return count;
    },
    expand: (source, length, into) => {
      if (length < LEAST_BYTES || length > MOST_BYTES || source.length > MOST_BYTES)
        return lz4.expand(source, length, into);
      const at = place(source, length);
      const count = module.expand(FIRST, source.length, at, length) >>> 0;
      if (count === MALFORMED) throw badBytes("lz4", `block of ${source.length} bytes is malformed`);
      const bytes = into === undefined ? view.slice(at, at + count) : view.subarray(at, at + count);
      return checkLength("lz4", bytes, length, into);
    },
  };
}
