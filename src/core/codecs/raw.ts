import type { Bytes } from "../bytes.ts";
import type { Codec } from "./codec.ts";

/**
 * Bytes as they are: nothing is copied or checked. What {@link Codec.encode} gets belongs to the session from then on,
 * and what {@link Codec.decode} gives is a view of the message received.
 */
export const rawCodec: Codec<Bytes> = {
  name: "raw",
  encode(value) {
    if (!(value instanceof Uint8Array)) throw new TypeError("Cannot encode raw: not a Uint8Array");
    return value;
  },
  decode: (bytes) => bytes,
};
