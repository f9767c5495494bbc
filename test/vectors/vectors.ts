import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Bytes } from "../../src/core/bytes.ts";
import { type ErrorName, ProtocolError } from "../../src/core/errors.ts";

/** What all vectors have. Those with an `error` are refused; those with `decodeOnly` are read but not written so. */
export interface Vector {
  readonly name: string;
  readonly hex: string;
  readonly meaning: string;
  readonly error?: ErrorName;
  readonly decodeOnly?: boolean;
}

/** Every file of wire vectors, without its ending. */
export const FILES = [
  "varints",
  "fields",
  "names",
  "metadata",
  "hello",
  "frames",
  "lanes",
  "refused",
  "conversations",
  "compressed",
];

/** The vectors of one file, each with the fields of its kind. */
export function load<T>(file: string): readonly (Vector & T)[] {
  return JSON.parse(readFileSync(join(import.meta.dirname, `${file}.json`), "utf8"));
}

/** Bytes in lower-case hex. */
export const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
/** The bytes of hex. */
export const bytesOf = (hex: string): Bytes => new Uint8Array(Buffer.from(hex, "hex"));

/** The code of the ProtocolError that `run` throws. */
function refusal(run: () => unknown): ErrorName | undefined {
  try {
    run();
  } catch (error) {
    if (error instanceof ProtocolError) return error.code;
    throw error;
  }
  return undefined;
}

/** Tests of one file: `read` decodes, `write` encodes again. */
export function suite<T>(
  file: string,
  read: (bytes: Bytes, vector: Vector & T) => unknown,
  expected: (vector: Vector & T) => unknown,
  write: (vector: Vector & T) => Uint8Array,
): void {
  describe(`vectors/${file}.json`, () => {
    for (const vector of load<T>(file)) {
      if (vector.error !== undefined) {
        it(`refuses ${vector.name}`, () => {
          expect(refusal(() => read(bytesOf(vector.hex), vector))).toBe(vector.error);
        });
        continue;
      }
      it(`reads ${vector.name}`, () => {
        expect(read(bytesOf(vector.hex), vector)).toEqual(expected(vector));
      });
      if (vector.decodeOnly) continue;
      it(`writes ${vector.name}`, () => {
        expect(hexOf(write(vector))).toBe(vector.hex);
      });
    }
  });
}
