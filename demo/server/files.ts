import { CallError, type Handlers } from "tideway";
import * as v from "valibot";
import type { api } from "../contract.ts";
import type { FileEntry, FileStore } from "./file-store.ts";
import { ownerOf } from "./owner.ts";

const MEBIBYTE = 1024 * 1024;

/** Bounds of the demo's file store. */
export const STORE_LIMITS = { maxFileBytes: 256 * MEBIBYTE, maxTotalBytes: 1024 * MEBIBYTE } as const;

const headers = v.object({
  name: v.pipe(v.string(), v.minLength(1), v.maxLength(255)),
  size: v.pipe(v.string(), v.digits(), v.transform(Number), v.safeInteger()),
});

/** Handlers of `files`. @param store - where they are kept; who serves the handlers closes it */
export function fileHandlers(store: FileStore): Handlers<typeof api.files> {
  return {
    async upload(chunks, context) {
      const file = readEntry(context.headers);
      const { maxFileBytes, maxTotalBytes } = store.limits;
      if (file.sizeBytes > maxFileBytes) throw context.error("FILE_TOO_LARGE", { limitBytes: maxFileBytes });
      const receipt = await store.save(ownerOf(context), file, chunks);
      if (receipt === undefined) throw context.error("STORE_FULL", { limitBytes: maxTotalBytes });
      return receipt;
    },

    async *download(_input, context) {
      const file = store.open(ownerOf(context));
      if (file === undefined) throw context.error("NO_FILE", {});
      yield* file;
    },
  };
}

function readEntry(given: ReadonlyMap<string, string>): FileEntry {
  const { success, output } = v.safeParse(headers, Object.fromEntries(given));
  if (success) return { name: output.name, sizeBytes: output.size };
  throw new CallError(
    "ERR_VALIDATION",
    "ERR_VALIDATION",
    "Cannot store file: headers name and size are needed",
  );
}
