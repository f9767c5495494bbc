import { createRequire } from "node:module";
import * as zlib from "node:zlib";
import type { Bytes } from "tideway";
import type { Compressor } from "tideway/compression";
import { instantiateLz4 } from "../../src/compression/lz4-wasm.ts";
import { type Zlib, zlibZstd } from "../../src/compression/zlib.ts";
import { implementations } from "../../test/compression/implementations.ts";

/** A compressor and its reverse, in the form that its users call. */
export interface Contender {
  readonly name: string;
  readonly algorithm: string;
  /** Whether it is one of the package, and not of somebody else. */
  readonly own: boolean;
  compress(source: Uint8Array): Uint8Array;
  expand(block: Uint8Array, length: number): Uint8Array;
}

const load = createRequire(new URL("../package.json", import.meta.url));

/**
 * One of ours: one array for what is compressed, as records are.
 * @param reuse - one array for what is expanded, too, as `maybeDecompress` may be given
 */
export function ownContender(by: string, compressor: Compressor, reuse?: Bytes): Contender {
  const into = new Uint8Array(1_200_000);
  return {
    name: `${compressor.name}, ${by}`,
    algorithm: compressor.name,
    own: true,
    compress: (source) => into.subarray(0, compressor.compress(source, into)),
    expand: (block, length) => compressor.expand(block, length, reuse),
  };
}

interface Lz4Js {
  makeBuffer(size: number): Uint8Array;
  compressBound(size: number): number;
  compressBlock(from: Uint8Array, to: Uint8Array, at: number, count: number, table: Uint32Array): number;
  decompressBlock(from: Uint8Array, to: Uint8Array, at: number, count: number, into: number): number;
}

interface Lz4Wasm {
  compress(source: Uint8Array): Uint8Array;
  decompress(block: Uint8Array): Uint8Array;
}

interface Lz4Napi {
  compressSync(source: Buffer): Uint8Array;
  uncompressSync(block: Uint8Array): Uint8Array;
}

interface Snappy {
  compressSync(source: Buffer): Buffer;
  uncompressSync(block: Buffer, options: { asBuffer: true }): Buffer;
}

interface Pako {
  deflateRaw(source: Uint8Array, options: { level: number }): Uint8Array;
  inflateRaw(block: Uint8Array): Uint8Array;
}

interface Fflate {
  deflateSync(source: Uint8Array, options: { level: number }): Uint8Array;
  inflateSync(block: Uint8Array, options: { out: Uint8Array }): Uint8Array;
}

/** The packages of the field. Those that are not installed are left out: `npm install --prefix bench` brings them. */
const FIELD: Readonly<Record<string, () => Omit<Contender, "own" | "name">>> = {
  lz4js: () => {
    const { compressBlock, compressBound, decompressBlock } = load("lz4js") as Lz4Js;
    const into = new Uint8Array(compressBound(1_048_576));
    return {
      algorithm: "lz4",
      compress: (source) => {
        const count = compressBlock(source, into, 0, source.length, new Uint32Array(65_536));
        return into.subarray(0, count);
      },
      expand: (block, length) => {
        const out = new Uint8Array(length);
        decompressBlock(block, out, 0, block.length, 0);
        return out;
      },
    };
  },
  "lz4-wasm-nodejs": () => {
    const { compress, decompress } = load("lz4-wasm-nodejs") as Lz4Wasm;
    return { algorithm: "lz4", compress, expand: (block) => decompress(block) };
  },
  "lz4-napi": () => {
    const { compressSync, uncompressSync } = load("lz4-napi") as Lz4Napi;
    return {
      algorithm: "lz4",
      compress: (source) => compressSync(source as Buffer),
      expand: (block) => uncompressSync(block),
    };
  },
  snappy: () => {
    const { compressSync, uncompressSync } = load("snappy") as Snappy;
    return {
      algorithm: "lz4",
      compress: (source) => compressSync(source as Buffer),
      expand: (block) => uncompressSync(block as Buffer, { asBuffer: true }),
    };
  },
  pako: () => {
    const { deflateRaw, inflateRaw } = load("pako") as Pako;
    return {
      algorithm: "deflate",
      compress: (source) => deflateRaw(source, { level: 4 }),
      expand: (block) => inflateRaw(block),
    };
  },
  fflate: () => {
    const { deflateSync, inflateSync } = load("fflate") as Fflate;
    return {
      algorithm: "deflate",
      compress: (source) => deflateSync(source, { level: 4 }),
      expand: (block, length) => inflateSync(block, { out: new Uint8Array(length) }),
    };
  },
};

/** All that this machine has. */
export async function contenders(): Promise<readonly Contender[]> {
  const own = (await implementations())
    .filter(({ by, compressor }) => by !== "lz4-napi" && !(by === "node:zlib" && compressor.name === "zstd"))
    .map(({ by, compressor }) => ownContender(by, compressor));
  own.push(ownContender("WASM, into one array", instantiateLz4(), new Uint8Array(1_200_000)));
  const zstd = zlibZstd(zlib as unknown as Zlib, 3);
  if (zstd !== undefined) own.push(ownContender("node:zlib", zstd));
  const others: Contender[] = [];
  for (const [name, make] of Object.entries(FIELD)) {
    try {
      others.push({ name, own: false, ...make() });
    } catch (error) {
      console.error(`Without ${name}: ${(error as Error).message.split("\n", 1)[0]}`);
    }
  }
  return [...own, ...others];
}
