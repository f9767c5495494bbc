import type { Bytes } from "../../src/core/bytes.ts";
import { lz4 } from "../../src/core/compression/lz4.ts";
import { compression } from "../../src/core/compression/record-compression.ts";
import { MAGIC, RECORD_LENGTH_BYTES, RecordReader } from "../../src/core/wire/record.ts";
import { writeVarint } from "../../src/core/wire/varint.ts";
import { bytesOf, hexOf, suite } from "./vectors.ts";

const LZ4 = compression([lz4]);

suite<{ frames: string }>(
  "compressed",
  (bytes) => hexOf(LZ4.open().expand(bytes, 65_536 + 1_023)),
  ({ frames }) => frames,
  ({ frames }) => {
    const records = compression([lz4], { thresholdBytes: 64 }).open();
    records.agree([lz4.number]);
    const record = bytesOf(`00${frames}`);
    return record.subarray(0, records.compress(record, 0, record.length));
  },
);

/** The records in what a byte lane carries, given in pieces of `size` bytes. */
function readLane(bytes: Bytes, size: number): string[] {
  const reader = new RecordReader(65_536 + 1_024);
  const records: string[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    reader.push(bytes.slice(at, at + size));
    for (let record = reader.next(); record !== undefined; record = reader.next())
      records.push(hexOf(record));
  }
  return records;
}

for (const size of [1, 3, 1_000_000]) {
  suite<{ records: readonly string[] }>(
    "lanes",
    (bytes) => readLane(bytes, size),
    ({ records }) => records,
    ({ records }) =>
      Buffer.concat([
        MAGIC,
        ...records.map((record) => {
          const prefix = new Uint8Array(RECORD_LENGTH_BYTES);
          const end = writeVarint(prefix, 0, record.length / 2);
          return Buffer.concat([prefix.subarray(0, end), bytesOf(record)]);
        }),
      ]),
  );
}
