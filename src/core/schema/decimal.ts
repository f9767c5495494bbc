import { type Decode, readInt } from "./decode-scalar.ts";
import { type Encode, writeInt } from "./encode-scalar.ts";
import { fault, MISFIT } from "./faults.ts";
import { MAX_DECIMAL_DIGITS } from "./node.ts";

/**
 * Largest decimal without its point. Up to here the quotient of two whole numbers, and the product that leads back, are
 * off by far less than half a digit: each decimal is one `number`, and gives back the digits that it was made of.
 */
const MOST: number = scaleOf(MAX_DECIMAL_DIGITS) - 1;

/** The power of ten, exact in every engine. */
function scaleOf(digits: number): number {
  return Number(`1e${digits}`);
}

/** The digits of `value` without the point; NaN when there are too many of them. */
function unitsOf(value: number, scale: number): number {
  const units = Math.round(value * scale);
  return units / scale === value && units <= MOST && units >= -MOST ? units : Number.NaN;
}

/** Whether `value` is a number with up to `digits` digits behind the point, and 15 in all. */
export function isDecimal(digits: number, value: unknown): boolean {
  return typeof value === "number" && !Number.isNaN(unitsOf(value, scaleOf(digits)));
}

/** Writes a decimal: its digits without the point, as an `int`. Source: docs/protocol.md, section 13.3. */
export function encodeDecimal(digits: number): Encode {
  const scale = scaleOf(digits);
  return (writer, value) => {
    if (typeof value !== "number") throw MISFIT;
    // NaN is no safe integer: it does not fit either.
    writeInt(writer, unitsOf(value, scale));
  };
}

/** Reads what {@link encodeDecimal} writes. */
export function decodeDecimal(digits: number): Decode {
  const scale = scaleOf(digits);
  return (reader) => {
    const units = readInt(reader);
    if (units > MOST || units < -MOST) throw fault(`decimal of more than ${MAX_DECIMAL_DIGITS} digits`);
    return units / scale;
  };
}
