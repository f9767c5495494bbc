import type { Bytes } from "../../src/core/bytes.ts";
import { BufferPool } from "../../src/core/wire/buffer-pool.ts";
import { FrameReader, type StreamId } from "../../src/core/wire/frame.ts";
import * as FrameFlag from "../../src/core/wire/frame-flag.ts";
import { RecordWriter } from "../../src/core/wire/record-writer.ts";
import { type Frame, flagsOf, typeOf } from "./frame-names.ts";
import { bytesOf, hexOf, suite } from "./vectors.ts";

suite<{ frames: readonly Frame[] }>(
  "frames",
  (bytes) => {
    const reader = new FrameReader();
    reader.reset(bytes, 1);
    const frames: object[] = [];
    while (reader.next()) {
      const body = hexOf(reader.bytes.subarray(reader.bodyAt, reader.bodyEnd));
      frames.push({ type: reader.type, flags: reader.flags & ~FrameFlag.LEN, stream: reader.stream, body });
    }
    return frames;
  },
  ({ frames }) =>
    frames.map(({ type, flags, ...rest }) => ({ type: typeOf(type), flags: flagsOf(flags), ...rest })),
  ({ frames }) => {
    const writer = new RecordWriter(new BufferPool());
    writer.begin(65_536, 65_536);
    for (const { type, flags, stream, body } of frames) {
      writer.frame(typeOf(type), flagsOf(flags), stream as StreamId, body.length / 2);
      writer.put(bytesOf(body));
    }
    return writer.finish(false) as Bytes;
  },
);
