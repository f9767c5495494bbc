import { Decoder, Encoder } from "@msgpack/msgpack";
import { Encoder as CborEncoder } from "cbor-x";
import { Packr } from "msgpackr";
import type { CodecContender } from "../measure.ts";
import { protobuf } from "./protobuf.ts";

const encoder = new Encoder();
const decoder = new Decoder();

/** Codecs of others, each in its best documented configuration. */
export const RIVALS: readonly CodecContender[] = [
  {
    name: "@msgpack/msgpack",
    prepare: () => ({
      encode: (message) => encoder.encodeSharedRef(message),
      decode: (bytes) => decoder.decode(bytes) as object,
    }),
  },
  {
    name: "msgpackr",
    prepare: () => {
      const packr = new Packr({ useRecords: false });
      return { encode: (message) => packr.pack(message), decode: (bytes) => packr.unpack(bytes) as object };
    },
  },
  {
    // Both sides must keep the shapes that came before: not for messages that stand alone.
    name: "msgpackr, shared records",
    prepare: () => {
      const packr = new Packr({ structures: [] });
      return { encode: (message) => packr.pack(message), decode: (bytes) => packr.unpack(bytes) as object };
    },
  },
  {
    name: "cbor-x",
    prepare: () => {
      const cbor = new CborEncoder({ useRecords: false, mapsAsObjects: true });
      return { encode: (message) => cbor.encode(message), decode: (bytes) => cbor.decode(bytes) as object };
    },
  },
  protobuf,
];
