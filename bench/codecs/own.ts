import { msgpackCodec } from "tideway/msgpack";
import type { CodecContender } from "./measure.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });
const msgpack = msgpackCodec();

/** What a program has without a package of others. The first is what is measured. */
export const OWN: readonly CodecContender[] = [
  {
    name: "tideway/schema",
    prepare: ({ schema }) => ({
      encode: (message) => schema.encode(message as never),
      decode: (bytes) => schema.decode(bytes as never) as object,
    }),
  },
  {
    name: "JSON",
    prepare: () => ({
      encode: (message) => encoder.encode(JSON.stringify(message)),
      decode: (bytes) => JSON.parse(decoder.decode(bytes)) as object,
    }),
  },
  {
    name: "tideway/msgpack",
    prepare: () => ({
      encode: (message) => msgpack.encode(message),
      decode: (bytes) => msgpack.decode(bytes as never) as object,
    }),
  },
];
