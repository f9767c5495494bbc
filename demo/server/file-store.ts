import { createHash, randomUUID } from "node:crypto";
import { createReadStream, createWriteStream, mkdtempSync, type ReadStream, rmSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { CHUNK_BYTES, type Receipt } from "../contract.ts";

/** What a file store holds at most. */
export interface StoreLimits {
  readonly maxFileBytes: number;
  readonly maxTotalBytes: number;
}

/** A file to store. */
export interface FileEntry {
  readonly name: string;
  /** As its owner announced it. */
  readonly sizeBytes: number;
}

interface StoredFile extends FileEntry {
  readonly path: string;
}

/** Files in a folder of their own under the system's temporary folder: one for each owner, bounded in total. */
export class FileStore {
  readonly limits: StoreLimits;
  readonly #folder: string = mkdtempSync(join(tmpdir(), "tideway-demo-"));
  /** Whole files by owner, the oldest first. */
  readonly #files: Map<string, StoredFile> = new Map();
  /** Files that are being written; their room is taken already. */
  readonly #uploads: Set<StoredFile> = new Set();

  constructor(limits: StoreLimits) {
    this.limits = limits;
  }

  /**
   * Store a file in place of the owner's last one. Chunks are taken no faster than the disk writes them.
   * @returns `undefined` when there is no room: what others are uploading fills the store.
   * @throws {RangeError} when it is not as long as announced.
   */
  async save(
    owner: string,
    { name, sizeBytes }: FileEntry,
    chunks: AsyncIterable<Uint8Array>,
  ): Promise<Receipt | undefined> {
    const file: StoredFile = { name, sizeBytes, path: join(this.#folder, randomUUID()) };
    await this.#remove(owner);
    if (!(await this.#reserve(file))) return undefined;
    const hash = createHash("sha256");
    try {
      const target = createWriteStream(file.path, { flags: "wx", mode: 0o600 });
      await pipeline(
        exactly(sizeBytes, chunks),
        async function* (checked) {
          for await (const chunk of checked) {
            hash.update(chunk);
            yield chunk;
          }
        },
        target,
      );
    } catch (error) {
      this.#uploads.delete(file);
      await rm(file.path, { force: true });
      throw error;
    }
    await this.#remove(owner);
    this.#uploads.delete(file);
    this.#files.set(owner, file);
    return { name, sizeBytes, sha256: hash.digest("hex") };
  }

  /** Read the owner's file; `undefined` when it has none. */
  open(owner: string): ReadStream | undefined {
    const file = this.#files.get(owner);
    return file && createReadStream(file.path, { highWaterMark: CHUNK_BYTES });
  }

  /** Delete everything. */
  close(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Take room for a file, deleting the oldest ones where that helps. */
  async #reserve(file: StoredFile): Promise<boolean> {
    for (const owner of this.#files.keys()) {
      if (this.#usedBytes + file.sizeBytes <= this.limits.maxTotalBytes) break;
      await this.#remove(owner);
    }
    if (this.#usedBytes + file.sizeBytes > this.limits.maxTotalBytes) return false;
    this.#uploads.add(file);
    return true;
  }

  get #usedBytes(): number {
    let used = 0;
    for (const { sizeBytes } of [...this.#files.values(), ...this.#uploads]) used += sizeBytes;
    return used;
  }

  /** A download that is under way keeps the file that it has open. */
  async #remove(owner: string): Promise<void> {
    const file = this.#files.get(owner);
    this.#files.delete(owner);
    if (file !== undefined) await rm(file.path, { force: true });
  }
}

/** The same chunks, as long as they add up to `sizeBytes`. */
async function* exactly(sizeBytes: number, chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let received = 0;
  for await (const chunk of chunks) {
    received += chunk.length;
    if (received > sizeBytes) break;
    yield chunk;
  }
  if (received !== sizeBytes) throw new RangeError(`Cannot store file: its size is not ${sizeBytes}`);
}
