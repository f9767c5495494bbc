import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32 } from "node:zlib";

/** A compressor of the system's command line, behind the form that the protocol uses. */
export interface Tool {
  readonly program: "lz4" | "zstd" | "gzip";
  readonly compressor: "lz4" | "zstd" | "deflate";
  /** Compress each of `sources`. */
  compress(sources: readonly Uint8Array[]): Uint8Array[];
  /** All of `blocks` expanded, one behind the other. @param sources - what they stand for */
  expand(blocks: readonly Uint8Array[], sources: readonly Uint8Array[]): Buffer;
}

/** Most files that a program is given at once. */
const BATCH = 2_000;

/** Whether the system has a program. */
export function hasProgram(program: string): boolean {
  return spawnSync(program, ["--version"]).status === 0;
}

/** What a program makes of each of `sources`, as files. */
function run(
  program: string,
  options: readonly string[],
  suffix: string,
  sources: readonly Uint8Array[],
): Buffer[] {
  const made: Buffer[] = [];
  for (let first = 0; first < sources.length; first += BATCH) {
    const folder = mkdtempSync(join(tmpdir(), "tideway-tool-"));
    try {
      const names = sources.slice(first, first + BATCH).map((source, i) => {
        writeFileSync(join(folder, `${i}`), source);
        return `${i}`;
      });
      execFileSync(program, [...options, ...names], { cwd: folder, stdio: ["ignore", "ignore", "pipe"] });
      made.push(...names.map((name) => readFileSync(join(folder, name + suffix))));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }
  return made;
}

function pipe(program: string, options: readonly string[], input: Uint8Array): Buffer {
  return execFileSync(program, options, { input, maxBuffer: 1 << 30, stdio: ["pipe", "pipe", "pipe"] });
}

/** Frame of the LZ4 frame format with blocks up to 4 MiB, independent, without checksums; the last byte is its hash. */
const LZ4_HEADER = Buffer.from("04224d18607073", "hex");
const STORED = 0x8000_0000;

function toLz4Frame(block: Uint8Array): Buffer {
  const sizes = Buffer.alloc(8);
  sizes.writeUInt32LE(block.length, 0);
  return Buffer.concat([LZ4_HEADER, sizes.subarray(0, 4), block, sizes.subarray(4)]);
}

/** The one block of a frame; what the program has stored as it is becomes a block of literals. */
function fromLz4Frame(frame: Buffer): Uint8Array {
  const flags = frame[4] as number;
  const at = 7 + ((flags & 8) !== 0 ? 8 : 0);
  const size = frame.readUInt32LE(at);
  if (size === 0) return Uint8Array.of(0);
  const data = frame.subarray(at + 4, at + 4 + (size & ~STORED));
  if (size < STORED) return data;
  const lengths: number[] = [];
  let rest = data.length - 15;
  if (rest < 0) return Buffer.concat([Uint8Array.of(data.length << 4), data]);
  for (; rest >= 255; rest -= 255) lengths.push(255);
  return Buffer.concat([Uint8Array.of(0xf0, ...lengths, rest), data]);
}

function toGzip(data: Uint8Array, source: Uint8Array): Buffer {
  const trailer = Buffer.alloc(8);
  trailer.writeUInt32LE(crc32(source), 0);
  trailer.writeUInt32LE(source.length, 4);
  return Buffer.concat([Buffer.from("1f8b08000000000000ff", "hex"), data, trailer]);
}

/** The programs that a Debian system has. */
export const TOOLS: readonly Tool[] = [
  {
    program: "lz4",
    compressor: "lz4",
    compress: (sources) =>
      run("lz4", ["-q", "-m", "-B7", "-BI", "--no-frame-crc"], ".lz4", sources).map(fromLz4Frame),
    expand: (blocks) => pipe("lz4", ["-d", "-c", "-q"], Buffer.concat(blocks.map(toLz4Frame))),
  },
  {
    program: "zstd",
    compressor: "zstd",
    compress: (sources) => run("zstd", ["-q", "-3"], ".zst", sources),
    expand: (blocks) => pipe("zstd", ["-d", "-c", "-q"], Buffer.concat(blocks)),
  },
  {
    program: "gzip",
    compressor: "deflate",
    compress: (sources) =>
      run("gzip", ["-n"], ".gz", sources).map((file) => file.subarray(10, file.length - 8)),
    expand: (blocks, sources) =>
      pipe(
        "gzip",
        ["-d", "-c"],
        Buffer.concat(blocks.map((block, i) => toGzip(block, sources[i] as Uint8Array))),
      ),
  },
];
