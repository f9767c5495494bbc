import type { Bytes } from "./bytes.ts";
import type { StreamError, WireError } from "./errors.ts";
import type { Stream } from "./streams/stream.ts";
import type { Hello } from "./wire/hello.ts";

/** What the application must hear, in the order in which it happened. */
export type SessionEvent =
  /** Server: the client said HELLO; answer with `accept` or `reject`. */
  | { readonly kind: "authenticate"; readonly hello: Hello }
  /** The handshake is done. With `resumed`: the session that was asked for goes on. */
  | { readonly kind: "open"; readonly hello: Hello; readonly resumed: boolean }
  /** The peer opened a stream. */
  | { readonly kind: "stream"; readonly stream: Stream }
  /** There is something to read: a message, the end, or an error. Comes once until the stream was read dry. */
  | { readonly kind: "readable"; readonly stream: Stream }
  /** After a `trySend` that said no: try again. */
  | { readonly kind: "writable"; readonly stream: Stream }
  /** Nothing can be sent any more: the peer said STOP, or the stream failed. */
  | { readonly kind: "stopped"; readonly stream: Stream; readonly error: StreamError }
  /** The peer's application has consumed everything that was sent, the end included. */
  | { readonly kind: "delivered"; readonly stream: Stream }
  | { readonly kind: "datagram"; readonly payload: Bytes }
  /** The answer to a PING; the time that it took. */
  | { readonly kind: "pong"; readonly roundTripMs: number }
  /** What was written has not been answered for some round trips, nor was the question whether it has arrived. */
  | { readonly kind: "stalled" }
  /** The peer takes no new streams; reconnect after `delayMs`. */
  | { readonly kind: "goaway"; readonly error: WireError; readonly delayMs: number }
  /** The connection is over. Without an error: closed in order by either side. */
  | {
      readonly kind: "closed";
      readonly error: WireError | undefined;
      /** The streams are untouched: another connection can carry them on. Otherwise they have ended. */
      readonly resumable: boolean;
    };
