import { TransportError } from "../core/errors.ts";
import type { SessionEvent } from "../core/events.ts";
import { asWireError, type Dialed } from "./dialing.ts";
import { Link, type LinkOptions } from "./link.ts";
import type { ResolvedOptions } from "./options.ts";
import { whenAborted } from "./when-aborted.ts";

/** What is done with a connection that a client makes. */
export interface HandshakeEvents {
  /** The link is there, HELLO goes out. */
  started(link: Link): void;
  /** It is open: called before any later event. */
  opened(link: Link, event: Extract<SessionEvent, { kind: "open" }>): void;
  /** Everything that happens after that. */
  event(link: Link, event: SessionEvent): void;
}

/**
 * Say HELLO as a client, and wait until the connection is open.
 * @throws {WireError} when it ends before that; the reason of `signal` when it aborts.
 */
export function handshake(
  { transport, dialMs }: Dialed,
  resolved: ResolvedOptions,
  options: LinkOptions,
  signal: AbortSignal,
  events: HandshakeEvents,
): Promise<Link> {
  if (signal.aborted) {
    transport.close(1_000, "");
    return Promise.reject(signal.reason);
  }
  return new Promise((resolve, reject) => {
    let waiting = true;
    const start = resolved.clock.now();
    const settle = () => {
      waiting = false;
      stop();
    };
    const link: Link = new Link("client", transport, resolved, options, (event) => {
      if (!waiting) events.event(link, event);
      else if (event.kind === "open") {
        settle();
        link.dialMs = dialMs;
        link.handshakeMs = resolved.clock.now() - start;
        events.opened(link, event);
        resolve(link);
      } else if (event.kind === "closed") {
        settle();
        const error = event.error ?? new TransportError("Connection was closed during the handshake");
        reject(signal.aborted ? signal.reason : error);
      } else events.event(link, event);
    });
    const stop = whenAborted(signal, () => {
      // It carries no streams: a server that lets this side in later must not keep a session for it.
      if (options.claim !== undefined) link.connection.close("ERR_NONE", "Not needed");
      else link.abandon(asWireError(signal.reason));
    });
    events.started(link);
  });
}
