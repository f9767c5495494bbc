import type { Codec } from "../core/codecs/codec.ts";
import { rawCodec } from "../core/codecs/raw.ts";
import { StreamError } from "../core/errors.ts";
import type { Stream } from "../core/streams/stream.ts";
import { MessageStream } from "./message-stream.ts";

/** Takes a stream that the peer opened. @returns false when it is for somebody else. */
export type StreamHandler = (stream: Stream) => boolean;

/** Takes streams of messages that the peer opens under a name; see `Session.onStream`. */
export type MessageHandler<Out, In> = (stream: MessageStream<Out, In>) => void | Promise<void>;

/** The handler of the streams that the peer opens under `name`: each is over when `handler` has ended. */
export function namedHandler<Out, In>(
  name: string,
  handler: MessageHandler<Out, In>,
  codec: Codec<unknown> = rawCodec as Codec<unknown>,
): StreamHandler {
  return (stream) => {
    if (stream.name !== name) return false;
    const messages = new MessageStream(stream, codec as Codec<Out>, codec as Codec<In>);
    Promise.resolve()
      .then(() => handler(messages))
      .catch((error: unknown) => messages.abort(error instanceof StreamError ? error : internalError(error)))
      .finally(() => stream.release());
    return true;
  };
}

/** Give a stream that the peer opened to the first handler that takes it, or give it up. */
export function acceptStream(handlers: readonly StreamHandler[], stream: Stream): void {
  let error: StreamError;
  try {
    for (const handler of handlers) if (handler(stream)) return;
    const name = JSON.stringify(stream.name);
    error = new StreamError("ERR_UNKNOWN_METHOD", `Cannot accept stream: nobody handles ${name}`);
  } catch (cause) {
    error = internalError(cause);
  }
  giveUp(stream, error);
  stream.release();
}

/** Give up both halves of a stream. */
export function giveUp(stream: Stream, error: StreamError): void {
  stream.stop(error);
  stream.reset(error);
}

/** What the peer sees of an error in a handler: a fixed text. */
export function internalError(cause: unknown): StreamError {
  return new StreamError("ERR_INTERNAL", "Internal error", { cause });
}
