import { StreamError } from "../errors.ts";
import { EARLY_WINDOW_BYTES } from "../limits.ts";
import type { Hello } from "../wire/hello.ts";
import type { Stream } from "./stream.ts";

/** What the peer of a session accepts of one message, one frame and one stream. Before its HELLO, what all peers do. */
export class PeerBounds {
  /** Longest message, bytes. */
  messageBytes: number = Number.MAX_SAFE_INTEGER;
  /** Longest body of a frame, and credit that a stream begins with, bytes. */
  frameBytes: number = EARLY_WINDOW_BYTES;
  streamWindow: number = EARLY_WINDOW_BYTES;
  /** Longest name and metadata together that fit a frame. */
  metadataBytes: number = Number.MAX_SAFE_INTEGER;

  /** The peer's HELLO: its numbers replace the early ones. */
  adopt(hello: Hello): void {
    this.messageBytes = hello.maxMessageBytes;
    this.frameBytes = this.metadataBytes = hello.maxFrameBytes;
    this.streamWindow = hello.streamWindowBytes;
  }

  /** What a message of `bytes` fails with; `undefined` when the peer accepts it. */
  messageError(bytes: number): StreamError | undefined {
    if (bytes <= this.messageBytes) return undefined;
    return new StreamError(
      "ERR_MESSAGE_TOO_LARGE",
      `Cannot send message: the peer accepts ${this.messageBytes} bytes`,
    );
  }

  /** What metadata of `bytes` fails with; `undefined` when it fits a frame of the peer. */
  metadataError(bytes: number): StreamError | undefined {
    if (bytes <= this.metadataBytes) return undefined;
    return new StreamError(
      "ERR_LIMIT",
      `Cannot send metadata: the peer accepts frames of ${this.frameBytes} bytes`,
    );
  }

  /** What a stream fails with whose messages or metadata were queued before these bounds were known. */
  streamError({ name, openMetadata, send }: Stream): StreamError | undefined {
    const metadataBytes = Math.max(name.length * 3 + 2 + openMetadata.length, send.trailer.length);
    return this.messageError(send.longestUnsent) ?? this.metadataError(metadataBytes);
  }
}
