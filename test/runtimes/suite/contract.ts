import { clientStream, contract, duplex, serverStream, type, unary } from "tideway";
import { schema } from "tideway/schema";
import type { GoldenReport } from "./golden.ts";

/** What both sides of the suite can be asked. */
export const api = contract({
  add: unary({ input: type<readonly [number, number]>(), output: type<number>() }),
  about: unary({ input: type<void>(), output: type<About>() }),
  /** Settles when it is aborted, or never. */
  wait: unary({ input: type<void>(), output: type<void>() }),
  /** Codes of the calls of `wait` that were aborted. */
  aborted: unary({ input: type<void>(), output: type<readonly string[]>() }),
  fail: unary({
    input: type<"typed" | "other">(),
    output: type<void>(),
    errors: { LATE: type<{ readonly by: number }>() },
  }),
  count: serverStream({ input: type<number>(), output: type<number>() }),
  /** Messages of so many bytes, without end. */
  fill: serverStream({ input: type<number>(), output: type<string>() }),
  /** How many messages `fill` has given. */
  filled: unary({ input: type<void>(), output: type<number>() }),
  sum: clientStream({ input: type<number>(), output: type<number>() }),
  echo: duplex({ input: type<string>(), output: type<string>() }),
  /** As `echo`, for what must not be compressed. */
  echoSecret: duplex({ input: type<string>(), output: type<string>(), compress: false }),
  /** What the side that is asked makes of the golden files of compression. */
  golden: unary({ input: type<void>(), output: type<GoldenReport>() }),
  /** What the side that is asked makes of the golden file of the schema codec, in the schema codec. */
  goldenSchemas: unary({
    input: schema.nothing,
    output: schema.struct({ cases: schema.u32, problems: schema.array(schema.string) }),
  }),
  /** What the side that is asked makes of hostile bytes, in all codecs. */
  hostile: unary({ input: type<void>(), output: type<{ cases: number; problems: readonly string[] }>() }),
  /** The side that is asked makes a call of each shape to the side that asks. */
  callBack: unary({ input: type<number>(), output: type<readonly number[]>() }),
});

/** What a handler knows of its call. */
export interface About {
  readonly headers: readonly (readonly [string, string])[];
  readonly trace: string | undefined;
  readonly hasDeadline: boolean;
  readonly principal: unknown;
}

/** The stream whose messages come back as they are. */
export const BYTES_STREAM = "bytes";
/** What the server lets in. */
export const TOKEN = "ada";
/** What the server bounds. */
export const MAX_CALLS = 64;
export const MAX_MESSAGE_BYTES: number = 16 * 1024 * 1024;
