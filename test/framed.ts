import { type Bytes, concatBytes } from "../src/core/bytes.ts";
import type { LaneId } from "../src/core/lanes/lane.ts";
import { MAGIC, RecordReader } from "../src/core/wire/record.ts";
import { varintBytes, writeVarint } from "../src/core/wire/varint.ts";
import type { Transport, TransportCapabilities, TransportEvents } from "../src/transports/transport.ts";

/** A transport whose lane carries bytes, with its records framed as the core does it: one write is one `data` again. */
export class Framed implements Transport {
  readonly name: Transport["name"];
  readonly capabilities: TransportCapabilities;
  readonly #inner: Transport;
  readonly #reader: RecordReader = new RecordReader(1 << 25);
  #magicDue = true;

  constructor(inner: Transport) {
    this.#inner = inner;
    this.name = inner.name;
    this.capabilities = { ...inner.capabilities, messageBoundaries: true };
  }

  start(events: TransportEvents): void {
    this.#inner.start({
      data: (lane, bytes) => {
        this.#reader.push(bytes);
        for (let record = this.#reader.next(); record !== undefined; record = this.#reader.next())
          events.data(lane, record);
      },
      drain: (lane) => events.drain(lane),
      lane: (lane) => events.lane(lane),
      datagram: (bytes) => events.datagram(bytes),
      closed: (error) => events.closed(error),
    });
  }

  write(lane: LaneId, record: Bytes): boolean {
    return this.#inner.write(lane, this.#frame(record, 0));
  }

  /** A record, or its first part, with its length and what goes before that. */
  #frame(record: Bytes, tailBytes: number): Bytes {
    const total = record.length + tailBytes;
    const length = new Uint8Array(varintBytes(total));
    writeVarint(length, 0, total);
    const parts = this.#magicDue ? [MAGIC, length, record] : [length, record];
    this.#magicDue = false;
    return concatBytes(
      parts,
      parts.reduce((sum, part) => sum + part.length, 0),
    );
  }

  /** As the transport inside does it, where it can. */
  get writeParts(): Transport["writeParts"] {
    const { writeParts } = this.#inner;
    if (writeParts === undefined) return undefined;
    return (lane, head, tail) => {
      const framed = this.#frame(head, tail.length);
      return writeParts.call(this.#inner, lane, framed, tail);
    };
  }

  flush(): void {
    this.#inner.flush?.();
  }

  bufferedBytes(lane: LaneId): number | undefined {
    return this.#inner.bufferedBytes(lane);
  }

  close(code: number, reason: string): void {
    this.#inner.close(code, reason);
  }

  pause(): void {
    this.#inner.pause?.();
  }

  resume(): void {
    this.#inner.resume?.();
  }
}
