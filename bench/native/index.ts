import type { Bench } from "../harness.ts";
import { aead } from "./aead.ts";
import { bytes } from "./bytes.ts";
import { hashes } from "./hashes.ts";
import { text } from "./text.ts";
import { writes } from "./writes.ts";

/** What Node has itself, each beside what every runtime has. Compressors are in the group of compression. */
export const NATIVE: readonly Bench[] = [hashes, text, bytes, writes, aead];
