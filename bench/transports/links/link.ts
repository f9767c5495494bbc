import type { Bytes } from "tideway";

/** Buffered bytes above which a sender waits: of 16 KiB to 4 MiB, what suits `ws` best with small messages. */
export const HIGH_WATER_BYTES: number = 1 << 20;

/**
 * The bare transport under its simplest use, the peer of the benches: one message a write, no streams, no names. Where
 * the transport knows no messages, both sides know how long they are, which costs nothing.
 */
export interface Link {
  /** What the figures call it. */
  readonly peer: string;
  /** Bytes that were written and are not out of this process. */
  readonly bufferedBytes: number;
  /** Hears each message, or each piece of bytes. */
  onData: (bytes: Uint8Array) => void;
  /** Send a message. */
  write(message: Bytes): void;
  /** Send a message. @returns resolves when the transport has taken it, and all before it. */
  writeOut(message: Bytes): Promise<unknown>;
  close(): void;
}

/** Does nothing with what it hears. */
export const ignore = (): void => {};
