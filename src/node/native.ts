import * as crypto from "node:crypto";
import { createRequire } from "node:module";
import { debuglog } from "node:util";
import * as zlib from "node:zlib";
import { type Runtime, wasmLz4 } from "../compression/load.ts";
import { type Zlib, zlibDeflate, zlibZstd } from "../compression/zlib.ts";
import { checkZstdFrame } from "../compression/zstd-frame.ts";
import { ZSTD_WASM, zstdWasm } from "../compression/zstd-wasm.ts";
import type { Bytes } from "../core/bytes.ts";
import {
  badBytes,
  type Compressor,
  CompressorNumber,
  checkLength,
  MostPassed,
} from "../core/compression/compressor.ts";
import { messageOf } from "../core/errors.ts";
import { AEAD_TAG_BYTES, type Aead, type AeadName, notGenuine } from "../core/security/aead.ts";
import { sha256By } from "../security/node-sha256.ts";

/** Name of the package: an optional peer. */
const ZSTD_NAPI = "zstd-napi/binding";

/** The part of it that is used. Both ways write no further than their first argument goes. */
export interface ZstdNapi {
  readonly CCtx: new () => { compress(into: Uint8Array, source: Uint8Array, level: number): number };
  readonly DCtx: new () => { decompress(into: Uint8Array, source: Uint8Array): number };
}

/** At most so much room is kept between calls, bytes: for the longest record there can be, if it does not shrink. */
const MOST_ROOM_BYTES = 1_053_000;

const log = debuglog("tideway");
const load = createRequire(import.meta.url);

/** Most bytes that `length` can become. Source: `ZSTD_COMPRESSBOUND` of the library. */
function zstdBound(length: number): number {
  return length + (length >>> 8) + 64;
}

/**
 * Zstandard by `zstd-napi`: the library in C, for a Node whose zlib has none. What it makes is written into
 * an array as long as the record may be, so it needs no window of its own. It throws where the output does not fit, which
 * takes longer than to make it: so there is always room for it.
 * @param level - 1 to 19
 */
export function zstdNapi(level: number, { CCtx, DCtx }: ZstdNapi): Compressor {
  const writer = new CCtx();
  const reader = new DCtx();
  let kept = new Uint8Array(0);
  const roomFor = (length: number): Uint8Array => {
    if (kept.length >= length) return kept;
    const room = new Uint8Array(length);
    if (length <= MOST_ROOM_BYTES) kept = room;
    return room;
  };
  return {
    name: "zstd",
    number: CompressorNumber.zstd,
    mostPassed: MostPassed.zstd,
    compress: (source, into) => {
      const room = roomFor(zstdBound(source.length));
      const count = writer.compress(room, source, level);
      if (count > into.length) return 0;
      into.set(room.subarray(0, count), 0);
      return count;
    },
    expand: (source, length, into = new Uint8Array(length)) => {
      checkZstdFrame(source, length);
      const bytes = into.subarray(0, length);
      let count: number;
      try {
        count = reader.decompress(bytes, source);
      } catch (error) {
        throw badBytes("zstd", messageOf(error));
      }
      return checkLength("zstd", bytes.subarray(0, count), length);
    },
  };
}

/**
 * Whether a native path may be used: `TIDEWAY_NATIVE=0` turns all of them off.
 * @param wanted - what the option of this one says
 */
export function nativeAllowed(wanted = true): boolean {
  return wanted && process.env["TIDEWAY_NATIVE"] !== "0";
}

/**
 * SHA-256 of `node:crypto`, at once.
 * @param native - false: not this one
 * @returns `undefined` where WebCrypto is to be used.
 */
export function nativeSha256(native = true): ((bytes: Bytes) => Bytes) | undefined {
  return nativeAllowed(native) ? sha256By(crypto) : undefined;
}

/**
 * An AEAD of OpenSSL, at once.
 * @param key - 32 bytes
 * @param native - false: not this one
 * @returns `undefined` where WebCrypto is to be used.
 */
export function nativeAead(name: AeadName, key: Bytes, native = true): Aead | undefined {
  if (!nativeAllowed(native)) return undefined;
  const cipherName = name as "aes-256-gcm"; // the other one is called in the same way
  const options = { authTagLength: AEAD_TAG_BYTES };
  return {
    name,
    seal: (plain, nonce, associated) => {
      const cipher = crypto.createCipheriv(cipherName, key, nonce, options);
      cipher.setAAD(associated, { plaintextLength: plain.length });
      const sealed = new Uint8Array(plain.length + AEAD_TAG_BYTES);
      sealed.set(cipher.update(plain));
      cipher.final();
      sealed.set(cipher.getAuthTag(), plain.length);
      return sealed;
    },
    open: (sealed, nonce, associated) => {
      const length = sealed.length - AEAD_TAG_BYTES;
      if (length < 0) throw notGenuine(name);
      const decipher = crypto.createDecipheriv(cipherName, key, nonce, options);
      decipher.setAAD(associated, { plaintextLength: length });
      decipher.setAuthTag(sealed.subarray(length));
      const plain = decipher.update(sealed.subarray(0, length));
      try {
        decipher.final();
      } catch {
        throw notGenuine(name);
      }
      return new Uint8Array(plain.buffer as ArrayBuffer, plain.byteOffset, plain.length);
    },
  };
}

/** Native ways to compress, for `loadCompressors`. What is missing is told once with `NODE_DEBUG=tideway`. */
export const NODE: Runtime = {
  allowed: () => nativeAllowed(),
  native: {
    lz4: [wasmLz4],
    deflate: [({ deflateLevel }) => zlibDeflate(zlib as unknown as Zlib, deflateLevel)],
    zstd: [
      ({ zstdLevel }) => zlibZstd(zlib as unknown as Zlib, zstdLevel),
      ({ zstdLevel }) => zstdNapi(zstdLevel, load(ZSTD_NAPI) as ZstdNapi),
      ({ zstdLevel }) => zstdWasm(zstdLevel, () => import(ZSTD_WASM)),
    ],
  },
  missing: (what, error) => log("%s: %s", what, messageOf(error).split("\n", 1)[0]),
};
