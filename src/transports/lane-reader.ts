import type { Bytes } from "../core/bytes.ts";

/** What is read from: a stream of bytes, which a reader can have put into its own memory, or of pieces. */
export interface LaneReadable {
  getReader(options?: { readonly mode: "byob" }): LaneReader;
}

/** The reader of a lane. */
export interface LaneReader {
  /** @param memory - where the next piece is put; a reader of pieces takes no notice of it */
  read(memory?: Bytes): Promise<{ readonly done: boolean; readonly value?: Uint8Array | undefined }>;
}

/** A reader that puts what comes into memory that is used again, where the engine's stream is one of bytes. */
export function readerOf(readable: LaneReadable): LaneReader {
  try {
    return readable.getReader({ mode: "byob" });
  } catch {
    return readable.getReader();
  }
}

/** Packages for Node hand out `Buffer`, of which `slice` is no copy. */
export function plainBytes({ buffer, byteOffset, byteLength }: Uint8Array): Bytes {
  return new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
}
