import { expect, it } from "vitest";
import { codeOf } from "../../test/refusal.ts";
import { checkZstdFrame } from "./zstd-frame.ts";

const MAGIC = "28b52ffd";
const refuses = (hex: string, length: number) =>
  codeOf(() => checkZstdFrame(Buffer.from(hex, "hex"), length));

it.each([
  [`${MAGIC}2003190000616263`, 3, "a single segment that says its size"],
  [`${MAGIC}0000190000616263`, 3, "a window of 1 KiB, and no size"],
  [`${MAGIC}0068190000616263`, 3, "a window of 8 MiB"],
  [`${MAGIC}600300190000616263`, 259, "a size in two bytes, which begin at 256"],
  [`${MAGIC}a003000000190000616263`, 3, "a size in four bytes"],
  [`${MAGIC}e00300000000000000190000616263`, 3, "a size in eight bytes"],
  [`${MAGIC}210003190000616263`, 3, "dictionary 0, which is none"],
  [`${MAGIC}20020800006109000062`, 2, "two blocks"],
  [`${MAGIC}20031b000061`, 3, "a block of one byte again and again"],
  [`${MAGIC}240319000061626300000000`, 3, "a checksum"],
])("checkZstdFrame() takes %s", (hex, length) => {
  expect(refuses(hex, length)).toBe("none");
});

it.each([
  ["", 0, "nothing"],
  ["28b52ffc2003190000616263", 3, "another magic"],
  ["502a4d180400000061626364", 4, "a frame to skip"],
  [`${MAGIC}20`, 3, "a header that is cut off"],
  [`${MAGIC}2803190000616263`, 3, "a reserved bit"],
  [`${MAGIC}210103190000616263`, 3, "a dictionary"],
  [`${MAGIC}0069190000616263`, 3, "a window of 9 MiB"],
  [`${MAGIC}00f8190000616263`, 3, "a window of 2 TiB"],
  [`${MAGIC}2004190000616263`, 3, "another size"],
  [`${MAGIC}200319000061626300`, 3, "a byte behind the frame"],
  [`${MAGIC}20031900006162`, 3, "a block that is cut off"],
  [`${MAGIC}2003180000616263`, 3, "no last block"],
  [`${MAGIC}20031f0000616263`, 3, "a block of no kind"],
  [`${MAGIC}24031900006162630000`, 3, "a checksum that is cut off"],
])("checkZstdFrame() refuses %s: %s bytes, %s", (hex, length) => {
  expect(refuses(hex, length)).toBe("ERR_COMPRESS");
});
