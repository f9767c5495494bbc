import { type Bytes, concatBytes } from "../src/core/bytes.ts";
import type { LaneId } from "../src/core/lane.ts";
import { MAGIC, RecordReader } from "../src/core/record.ts";
import { varintBytes, writeVarint } from "../src/core/varint.ts";
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
    const length = new Uint8Array(varintBytes(record.length));
    writeVarint(length, 0, record.length);
    const parts = this.#magicDue ? [MAGIC, length, record] : [length, record];
    this.#magicDue = false;
    return this.#inner.write(
      lane,
      concatBytes(
        parts,
        parts.reduce((sum, part) => sum + part.length, 0),
      ),
    );
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
