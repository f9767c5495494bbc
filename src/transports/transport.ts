import type { Bytes } from "../core/bytes.ts";
import type { WireError } from "../core/errors.ts";
import type { LaneId } from "../core/lanes/lane.ts";
import type { BufferPool } from "../core/wire/buffer-pool.ts";

/** Stands for datagrams where a lane is named: in `drain`. */
export const DATAGRAM_LANE: LaneId = -1 as LaneId;

/** What carries the bytes. */
export type TransportName = "websocket" | "webtransport" | "tcp" | "ipc" | "message-port" | "ring" | "memory";

/** What a transport can do. Said honestly: the protocol chooses by it. */
export interface TransportCapabilities {
  /** Most lanes that each side can have open, the main one included; 1 where there is no other. */
  readonly lanes: number;
  /** Whether datagrams travel outside the lanes, unordered and unreliable. */
  readonly datagrams: boolean;
  /** Whether one `write` arrives as one `data`; otherwise records are length-prefixed. */
  readonly messageBoundaries: boolean;
  /** Whether a buffer can change its owner instead of being copied. */
  readonly transfer: boolean;
  /** Whether `pause` stops the reading, so that the kernel pushes back on the peer. */
  readonly inboundPause: boolean;
}

/** What a transport tells its owner. No call comes before `start` returns, none after `closed`. */
export interface TransportEvents {
  /**
   * Bytes from the peer: a record, the receiver's to keep. Without `messageBoundaries` a piece, for the time of the call.
   * @returns false when the receiver holds nothing of them: their memory may be used again.
   */
  data(lane: LaneId, bytes: Bytes): unknown;
  /**
   * After a `write` that returned false: the buffer has drained below the low-water mark. With {@link DATAGRAM_LANE}
   * after a `writeDatagram` that did.
   */
  drain(lane: LaneId): void;
  /** The peer opened a lane, and data may come on it. */
  lane(lane: LaneId): void;
  /** One datagram from the peer. The receiver owns it. */
  datagram(bytes: Bytes): void;
  /** The transport is gone, exactly once. Without an error: the peer or this side closed it in order. */
  closed(error?: WireError): void;
}

/** Bytes between two peers over a handle that is already open. Adopts the handle and owns it from then on. */
export interface Transport {
  readonly name: TransportName;
  readonly capabilities: TransportCapabilities;
  /** Begin to deliver events. Called once, before any other method; what arrived earlier is kept until then. */
  start(events: TransportEvents): void;
  /**
   * Hand over one record, synchronously. The transport may keep the bytes until they are sent: the caller does
   * not change them. After `close` or a loss the record is dropped.
   * @returns false when the buffer is over the high-water mark: wait for `drain`. The record was taken anyway.
   */
  write(lane: LaneId, record: Bytes): boolean;
  /**
   * Open one more lane, where `capabilities.lanes` is above 1. What is written before it is open waits. A lane that
   * cannot be opened, or that breaks, is the loss of the transport.
   * @returns its number: this side's are 1, 2, 3 and so on, those of the peer are below {@link DATAGRAM_LANE}.
   */
  openLane?(): LaneId;
  /**
   * Where records for this transport are made, if it knows when it is done with one: a `RecordRoom` where that is so
   * when `write` returns. Records of other transports lie one behind the other in memory that nobody writes to again.
   */
  readonly room?: BufferPool | undefined;
  /**
   * {@link write} for a record in two parts, so that a long payload is not copied into one. Where it is missing, records
   * come whole. Both parts are the transport's until they are sent, and not changed by it or by the caller.
   */
  readonly writeParts?: ((lane: LaneId, head: Bytes, tail: Bytes) => boolean) | undefined;
  /** All records of this burst were written: what is held back to the end of the task, so that it goes together, may go. */
  flush?(): void;
  /** Largest datagram that fits now, bytes. Only where `capabilities.datagrams` is true. */
  readonly maxDatagramBytes?: number;
  /**
   * Send one datagram outside the lanes, where `capabilities.datagrams` is true. One that is longer than
   * `maxDatagramBytes` may be lost; after `close` or a loss it is.
   * @returns false when enough wait: wait for `drain` of {@link DATAGRAM_LANE}. This one was taken anyway.
   */
  writeDatagram?(payload: Bytes): boolean;
  /** Bytes written and not yet sent; `undefined` where the runtime cannot tell. */
  bufferedBytes(lane: LaneId): number | undefined;
  /** Close in order after what was written. `code` is a WebSocket close code (1000, 3000..4999 from applications). */
  close(code: number, reason: string): void;
  /** Called before `close` when the peer has said that it is over: nothing that is on its way matters any more. */
  peerClosed?(): void;
  /** Stop or go on reading, where `capabilities.inboundPause` is true. */
  pause?(): void;
  resume?(): void;
}
