import { type Bytes, concatBytes } from "../src/core/bytes.ts";
import { MAGIC, RecordReader } from "../src/core/wire/record.ts";
import { varintBytes, writeVarint } from "../src/core/wire/varint.ts";

/** Bytes that hex digits name; spaces are for people. */
export function fromHex(text: string): Bytes {
  return new Uint8Array(Buffer.from(text.replaceAll(/\s/g, ""), "hex"));
}

/** Hex digits of bytes. */
export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex");
}

/** What a byte lane carries for `records`: the magic, and a length in front of each. */
export function laneOf(records: readonly Uint8Array[]): Bytes {
  const parts: Uint8Array[] = [MAGIC];
  for (const record of records) {
    const length = new Uint8Array(varintBytes(record.length));
    writeVarint(length, 0, record.length);
    parts.push(length, record);
  }
  return concatBytes(
    parts,
    parts.reduce((sum, part) => sum + part.length, 0),
  );
}

/** The records that a reader cuts out of a lane that arrives in pieces of `pieceBytes`. */
export function cutLane(lane: Bytes, pieceBytes: number, maxRecordBytes = 1 << 21): Bytes[] {
  const reader = new RecordReader(maxRecordBytes);
  const records: Bytes[] = [];
  for (let at = 0; at < lane.length; at += pieceBytes) {
    reader.push(lane.slice(at, at + pieceBytes));
    for (let record = reader.next(); record !== undefined; record = reader.next()) records.push(record);
  }
  return records;
}

/** Both ways in which bytes reach a decoder: as they are, and out of a byte lane, byte by byte. */
export const ARRIVALS: readonly (readonly [string, (bytes: Bytes) => Bytes])[] = [
  ["whole", (bytes) => bytes],
  ["byte by byte", (bytes) => (bytes.length === 0 ? bytes : (cutLane(laneOf([bytes]), 1)[0] as Bytes))],
];
