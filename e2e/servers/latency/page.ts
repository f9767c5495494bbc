import type { SessionOptions } from "tideway";
import { msgpackCodec } from "tideway/msgpack";

/** What both ends of a session are made with. */
export const SESSION_OPTIONS: SessionOptions = { codecs: [msgpackCodec()] };

/** An isolated page has a clock of 5 us instead of 100. */
export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  "content-type": "text/html; charset=utf-8",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
};

/** A page that runs one script. */
export function pageWith(script: string): string {
  return `<!doctype html><link rel="icon" href="data:,"><title>Latency</title><script type="module">${script}</script>`;
}
