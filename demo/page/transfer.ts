import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";
import { type CallOptions, type Client, type ErrorName, errorOf, WireError } from "tideway";
import { api, CHUNK_BYTES, type Receipt } from "../contract.ts";
import { formatBytes } from "./format.ts";

/** How a call ends whose session could not be carried on. */
const SESSION_OVER: ReadonlySet<ErrorName> = new Set([
  "ERR_CONNECTION_LOST",
  "ERR_GOING_AWAY",
  "ERR_SESSION_EXPIRED",
  "ERR_SESSION_UNKNOWN",
]);

/** Files yield to everything else on the session. */
const BULK_PRIORITY = 6;

/** What one transfer needs to know. */
export interface TransferOptions {
  readonly signal: AbortSignal;
  /** Told how many bytes have gone. */
  readonly onProgress: (bytes: number) => void;
}

/**
 * Stream a file up. It is read no faster than the server gives credit.
 * @returns what the server says it has, and the hash of what was read here.
 */
export async function upload(
  calls: Client<typeof api>,
  file: File,
  { signal, onProgress }: TransferOptions,
): Promise<{ readonly receipt: Receipt; readonly sha256: string }> {
  const headers = { name: file.name.slice(0, 255), size: String(file.size) };
  const call = calls.files.upload({ ...bulk(signal), headers: Object.entries(headers) });
  const hash = sha256.create();
  let bytes = 0;
  async function* chunks(): AsyncGenerator<Uint8Array<ArrayBuffer>> {
    for await (const chunk of readChunks(file)) {
      hash.update(chunk);
      yield chunk; // goes on when there is credit for the next one
      bytes += chunk.length;
      onProgress(Math.max(0, bytes - call.queuedBytes));
    }
  }
  try {
    const receipt = await call.sendAll(chunks());
    return { receipt, sha256: bytesToHex(hash.digest()) };
  } catch (error) {
    call.cancel(); // where the file could not be read, the server does not know yet
    throw error;
  }
}

/** Stream the stored file down. @returns the hash of what came; the bytes are not kept. */
export async function download(
  calls: Client<typeof api>,
  { signal, onProgress }: TransferOptions,
): Promise<string> {
  const hash = sha256.create();
  let bytes = 0;
  for await (const chunk of calls.files.download(undefined, bulk(signal))) {
    hash.update(chunk);
    bytes += chunk.length;
    onProgress(bytes);
  }
  return bytesToHex(hash.digest());
}

function bulk(signal: AbortSignal): CallOptions {
  return { priority: BULK_PRIORITY, signal };
}

/** The bytes of a file, in messages of at most `CHUNK_BYTES`. */
async function* readChunks(file: File): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const reader = file.stream().getReader();
  try {
    for (let { done, value } = await reader.read(); !done && value; { done, value } = await reader.read()) {
      for (let at = 0; at < value.length; at += CHUNK_BYTES) yield value.subarray(at, at + CHUNK_BYTES);
    }
  } finally {
    await reader.cancel();
  }
}

/** What went wrong with a transfer, for people. @param bytes - that had gone */
export function describeFailure(error: unknown, bytes: number): string {
  const known = errorOf(api.files.upload, error);
  if (known?.name === "FILE_TOO_LARGE") {
    return `The server takes files up to ${formatBytes(known.details.limitBytes)} (limit maxFileBytes).`;
  }
  if (known?.name === "STORE_FULL") {
    return `The server has no room left of ${formatBytes(known.details.limitBytes)} (limit maxTotalBytes).`;
  }
  if (errorOf(api.files.download, error)) return "The server does not have the file any more: send it again.";
  if (!(error instanceof WireError)) return error instanceof Error ? error.message : String(error);
  if (error.code === "ERR_CANCELLED") return `Cancelled after ${formatBytes(bytes)}.`;
  if (SESSION_OVER.has(error.code)) {
    return `Cut off after ${formatBytes(bytes)}: the session was lost. Retry when it is open.`;
  }
  return `Failed after ${formatBytes(bytes)}: ${error.message} (${error.code})`;
}
