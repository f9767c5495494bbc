import type { Bytes } from "../core/bytes.ts";
import { lz4 } from "../core/compression/lz4.ts";
import { type Compression, compression } from "../core/compression/record-compression.ts";
import type { Connection } from "../core/connection/connection.ts";
import { HARD_LIMITS } from "../core/limits.ts";
import { FrameReader, SESSION_ID } from "../core/wire/frame.ts";
import * as FrameFlag from "../core/wire/frame-flag.ts";
import * as FrameType from "../core/wire/frame-type.ts";
import { PLAIN_RECORD } from "../core/wire/record.ts";
import { Cursor } from "../core/wire/varint.ts";
import type { Place, World } from "./world.ts";

/** How the simulated sides compress, where they do. */
export const LZ4: Compression = compression([lz4]);

/** Looks at the records of one connection: part of the trace, and marks for what is in them. */
export class FrameWatch {
  /** A PONG was written. */
  answered = false;
  readonly #world: World;
  readonly #place: Place;
  readonly #connection: Connection;
  readonly #frames: FrameReader = new FrameReader();
  #unfinishedStream = 0;
  #helloSent = false;
  #resumeFrames = 0;

  constructor(world: World, place: Place, connection: Connection) {
    this.#world = world;
    this.#place = place;
    this.#connection = connection;
  }

  /** A record goes out. */
  sent(record: Bytes): void {
    const world = this.#world;
    world.writtenBytes += record.length;
    world.note(this.#place, "record", record.length);
    world.trace.addBytes(record);
    const frames = this.#frames;
    if (record[0] === 0x54 && record.length === 8) return;
    let at = 1;
    if (!world.configuration.link.messageBoundaries) {
      const cursor = new Cursor(record);
      cursor.varint();
      at = cursor.at + 1;
    }
    if (record[at - 1] === PLAIN_RECORD) frames.reset(record, at);
    else {
      world.mark("recordCompressed");
      frames.reset(LZ4.open().expand(record.subarray(at - 1), HARD_LIMITS.maxFrameBytes as number), 0);
    }
    while (frames.next()) this.#look(frames);
  }

  #look(frame: FrameReader): void {
    const world = this.#world;
    const bodyBytes = frame.bodyEnd - frame.bodyAt;
    if (world.trace.kept) {
      const { flags, stream, type } = frame;
      const text = `${this.#place.name}   type ${type} flags ${flags} stream ${stream}, ${bodyBytes}`;
      world.trace.line(world.clock.now(), () => text);
    }
    switch (frame.type) {
      case FrameType.HELLO:
        this.#helloSent = true;
        break;
      case FrameType.RESUME:
        this.#lookAtResume(frame);
        break;
      case FrameType.PONG:
        this.answered = true;
        break;
      case FrameType.LANE:
        if (bodyBytes === 0) world.mark("laneAnswered");
        break;
      case FrameType.WINDOW:
        if (frame.stream !== SESSION_ID && bodyBytes === 0) world.mark("deliveredLazily");
        break;
      case FrameType.OPEN:
        this.#lookAtOpen(frame);
        this.#lookAtData(frame, bodyBytes);
        break;
      case FrameType.DATA:
        this.#lookAtData(frame, bodyBytes);
    }
  }

  #lookAtOpen(frame: FrameReader): void {
    const world = this.#world;
    const { options, state } = this.#connection;
    if (options.role === "client" && state === "opening" && this.#helloSent) world.mark("earlyData");
    const label = frame.bytes[frame.bodyAt] as number;
    if (label === 0) return;
    if ((label & 1) === 0) world.mark("nameInterned");
    else if (this.#connection.mux.limits.maxNames === 1) world.mark("nameTableFull");
  }

  #lookAtData(frame: FrameReader, bodyBytes: number): void {
    const world = this.#world;
    const end = FrameFlag.FIN | FrameFlag.MORE | FrameFlag.EXT;
    if (frame.type === FrameType.DATA && (frame.flags & end) === end) world.mark("trailerAlone");
    if (this.#unfinishedStream !== 0 && frame.stream !== this.#unfinishedStream)
      world.mark("fragmentsInterleaved");
    const unfinished = (frame.flags & (FrameFlag.MORE | FrameFlag.FIN)) === FrameFlag.MORE && bodyBytes > 0;
    this.#unfinishedStream = unfinished ? frame.stream : 0;
  }

  /** An entry: id, flags, three positions, then what ended its halves; the session's own one has id 0. */
  #lookAtResume(frame: FrameReader): void {
    const world = this.#world;
    if (++this.#resumeFrames === 2) world.mark("resumeWithManyFrames");
    const cursor = new Cursor(frame.bytes, frame.bodyAt, frame.bodyEnd);
    while (cursor.at < cursor.end) {
      const id = cursor.varint();
      const flags = cursor.varint();
      for (let count = 3; count > 0; count--) cursor.varint();
      if (id === SESSION_ID) continue;
      if ((flags & 1) !== 0) world.mark("stopToldAgain");
      if ((flags & 2) !== 0) world.mark("resetToldAgain");
      if ((flags & 1) !== 0) skipEnd(cursor, 1);
      if ((flags & 2) !== 0) skipEnd(cursor, 2);
    }
  }
}

function skipEnd(cursor: Cursor, numbers: number): void {
  for (let count = numbers; count > 0; count--) cursor.varint();
  const length = cursor.varint();
  cursor.at += length;
}
