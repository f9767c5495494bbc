import { Socket } from "node:net";
import * as zlib from "node:zlib";
import { describe, expect, it, vi } from "vitest";
import { inputOf } from "../../test/compression/inputs.ts";
import { findZstdNapi } from "../../test/compression/zstd-napi.ts";
import { compressed, compressorSuite } from "../../test/conformance/compressor.ts";
import { loader, NODE_MODULES, untold } from "../compression/load.ts";
import { instantiateLz4 } from "../compression/lz4-wasm.ts";
import { type Zlib, zlibDeflate } from "../compression/zlib.ts";
import { ZSTD_WASM, zstdWasm } from "../compression/zstd-wasm.ts";
import { rawCodec as raw } from "../core/codecs/raw.ts";
import { deflate } from "../core/compression/deflate.ts";
import { lz4 } from "../core/compression/lz4.ts";
import type { MessageStream } from "../session/message-stream.ts";
import type { Session } from "../session/session.ts";
import { loadCompressors } from "./compression.ts";
import { connect } from "./dial.ts";
import { NODE, nativeSha256, zstdNapi } from "./native.ts";
import { serve } from "./serve.ts";

const [zstd] = await loadCompressors(["zstd"]);

compressorSuite(zlibDeflate(zlib as unknown as Zlib, 6), 150);
const zstdPackage = findZstdNapi();
if (zstdPackage !== undefined) compressorSuite(zstdNapi(3, zstdPackage), 150);
if (zstd === undefined)
  throw new Error("Cannot test zstd: this runtime has none, and its package is missing");
compressorSuite(zstd, 150);

describe("native compressors and their portable twins", () => {
  it.each([
    ["lz4", instantiateLz4(), lz4],
    ["deflate", zlibDeflate(zlib as unknown as Zlib, 6), deflate()],
  ])("read each other: %s", (_, native, portable) => {
    for (let index = 0; index < 300; index++) {
      const { bytes, kind } = inputOf(index);
      const what = `${kind}, ${bytes.length} bytes`;
      expect(Buffer.compare(portable.expand(compressed(native, bytes), bytes.length), bytes), what).toBe(0);
      expect(Buffer.compare(native.expand(compressed(portable, bytes), bytes.length), bytes), what).toBe(0);
    }
  });
});

describe.skipIf(zstdPackage === undefined)("zstdNapi()", () => {
  it("reads what the WASM writes, and the other way round, in every level", async () => {
    for (const level of [1, 3, 19]) {
      const native = zstdNapi(level, zstdPackage!);
      const wasm = await zstdWasm(level, () => import(ZSTD_WASM));
      for (let index = 0; index < 80; index++) {
        const { bytes, kind } = inputOf(index);
        const what = `${kind}, ${bytes.length} bytes`;
        expect(Buffer.compare(wasm.expand(compressed(native, bytes), bytes.length), bytes), what).toBe(0);
        expect(Buffer.compare(native.expand(compressed(wasm, bytes), bytes.length), bytes), what).toBe(0);
      }
    }
  });

  it("throws what is no lack of room", () => {
    const broken = class {
      compress(): number {
        throw new Error("Allocation error");
      }
    };
    const native = zstdNapi(3, { ...zstdPackage!, CCtx: broken });
    expect(() => native.compress(new Uint8Array(100), new Uint8Array(200))).toThrow("Allocation error");
  });
});

describe("loadCompressors()", () => {
  it("gives what is asked for, in that order", async () => {
    const found = await loadCompressors(["deflate", "zstd", "lz4"], { zstdLevel: 19, deflateLevel: 9 });
    expect(found.map(({ name }) => name)).toEqual(["deflate", "zstd", "lz4"]);
    expect(await loadCompressors([])).toEqual([]);
  });

  it("gives Zstandard more than once", async () => {
    const [[one], [two]] = await Promise.all([
      loadCompressors(["zstd"], { zstdLevel: 1 }),
      loadCompressors(["zstd"], { zstdLevel: 19 }),
    ]);
    const [three] = await loadCompressors(["zstd"]);
    const { bytes } = inputOf(6);
    for (const writer of [one!, two!, three!])
      for (const reader of [one!, two!, three!])
        expect(Buffer.compare(reader.expand(compressed(writer, bytes), bytes.length), bytes)).toBe(0);
  });

  it("gives JavaScript alone when told so", async () => {
    expect(await loadCompressors(["lz4", "zstd"], { native: false })).toEqual([lz4]);
    expect(await loadCompressors(["lz4"])).not.toEqual([lz4]);
  });

  it.each([[{ zstdLevel: 0 }], [{ zstdLevel: 20 }], [{ deflateLevel: 10 }]])(
    "refuses %s",
    async (options) => {
      await expect(loadCompressors(["lz4"], options)).rejects.toThrow(RangeError);
    },
  );

  it("goes on to the next way when one does not work, and tells once", async () => {
    const told: string[] = [];
    const gone = () => {
      throw new Error("not installed");
    };
    const load = loader({
      allowed: () => true,
      native: { ...NODE.native, lz4: [gone, () => undefined], zstd: [gone] },
      missing: (what, error) => told.push(`${what}: ${(error as Error).message}`),
    });
    for (let i = 0; i < 3; i++) expect(await load(["lz4", "zstd"])).toEqual([lz4]);
    expect(told).toEqual(["lz4, way 1 of 3: not installed", "zstd, way 1 of 2: not installed"]);
  });

  it("uses the modules of Node where another runtime has them", async () => {
    const load = loader({ allowed: () => true, native: NODE_MODULES, missing: untold });
    const [one, two] = await load(["lz4", "deflate"]);
    const { bytes } = inputOf(79);
    for (const compressor of [one!, two!])
      expect(Buffer.compare(compressor.expand(compressed(compressor, bytes), bytes.length), bytes)).toBe(0);
  });

  it("heeds TIDEWAY_NATIVE=0", async () => {
    process.env["TIDEWAY_NATIVE"] = "0";
    try {
      expect(await loadCompressors(["lz4", "zstd"])).toEqual([lz4]);
    } finally {
      delete process.env["TIDEWAY_NATIVE"];
    }
    expect(await loadCompressors(["lz4"])).not.toEqual([lz4]);
  });
});

describe("nativeSha256()", () => {
  it("agrees with WebCrypto, and with FIPS 180-4", async () => {
    const sha256 = nativeSha256()!;
    const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
    const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    expect(hex(sha256(new TextEncoder().encode("abc")))).toBe(abc);
    for (let length = 0; length < 300; length++) {
      const bytes = Uint8Array.from({ length }, (_, i) => i * 7 + length);
      const web = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
      expect(hex(sha256(bytes)), `${length} bytes`).toBe(hex(web));
    }
  });

  it("is left out when told so", () => {
    expect(nativeSha256(false)).toBeUndefined();
  });
});

describe("serve()", () => {
  /** How often WebCrypto hashes for a server that lets one session in. */
  async function digests(native?: boolean): Promise<number> {
    const digest = vi.spyOn(crypto.subtle, "digest");
    try {
      await using server = await serve({
        listen: ["tcp://127.0.0.1:0"],
        ...(native === undefined ? {} : { native }),
      });
      const session = await connect(server.urls[0] as string);
      await session.close();
      return digest.mock.calls.length;
    } finally {
      digest.mockRestore();
    }
  }

  it("leaves the hash of tokens to WebCrypto when told so, by its option or by TIDEWAY_NATIVE=0", async () => {
    expect(await digests()).toBe(0);
    expect(await digests(false)).toBeGreaterThan(0);
    process.env["TIDEWAY_NATIVE"] = "0";
    try {
      expect(await digests()).toBeGreaterThan(0);
      expect(await digests(true)).toBeGreaterThan(0);
    } finally {
      delete process.env["TIDEWAY_NATIVE"];
    }
  });
});

describe("connect() and serve()", () => {
  const MESSAGES = 4;

  /** Send messages that are a record each in one task, as far as the other side takes them, and hear those of it. */
  async function exchange(stream: MessageStream): Promise<void> {
    const heard = new Promise<void>((resolve, reject) => {
      let count = 0;
      stream.listen(
        () => ++count === MESSAGES && resolve(),
        (error) => error && reject(error),
      );
    });
    for (let i = 0; i < MESSAGES; i++) while (!stream.trySend(new Uint8Array(40_000))) await stream.ready();
    await heard;
  }

  /** The sides that put the records of one task together for one `writev`. */
  async function vectored(
    address: string,
    server: { readonly native?: boolean },
    client: { readonly native?: boolean },
  ): Promise<string[]> {
    const cork = vi.spyOn(Socket.prototype, "cork");
    try {
      let answered: Promise<void> | undefined;
      const onSession = (session: Session): void =>
        session.onStream("sink", (stream) => {
          answered = exchange(stream);
        });
      await using listening = await serve({ listen: [address], codecs: [raw], onSession, ...server });
      await using session = await connect(listening.urls[0] as string, { codecs: [raw], ...client });
      await exchange(session.openStream("sink"));
      await answered;
      // Node tells of a socket that was accepted by whom.
      const sides = cork.mock.contexts.map((socket) =>
        (socket as { server?: unknown }).server ? "server" : "client",
      );
      return [...new Set(sides)].sort();
    } finally {
      cork.mockRestore();
    }
  }

  it.each(["tcp://127.0.0.1:0", `ipc:native-test-${process.pid}`])(
    "write records of one task one by one when told so, over %s",
    async (address) => {
      expect(await vectored(address, {}, {})).toEqual(["client", "server"]);
      expect(await vectored(address, {}, { native: false })).toEqual(["server"]);
      expect(await vectored(address, { native: false }, {})).toEqual(["client"]);
      process.env["TIDEWAY_NATIVE"] = "0";
      try {
        expect(await vectored(address, { native: true }, { native: true })).toEqual([]);
      } finally {
        delete process.env["TIDEWAY_NATIVE"];
      }
    },
  );
});
