import type { Bytes } from "../core/bytes.ts";
import { WireError } from "../core/errors.ts";
import type { SessionEvent } from "../core/events.ts";
import type { Hello } from "../core/hello.ts";
import type { Transport } from "../transports/transport.ts";
import { Link } from "./link.ts";
import { type ResolvedOptions, resolveOptions, type SessionOptions } from "./options.ts";
import { Session } from "./session.ts";

/** What a client brings to be let in. */
export interface AuthenticateRequest {
  /** The client's credentials, as bytes; `undefined` when it sent none. */
  readonly token: Bytes | undefined;
  /** All that the client said of itself. */
  readonly hello: Hello;
  /** Aborted when the client does not wait any longer. */
  readonly signal: AbortSignal;
}

/** How a server takes sessions. */
export interface AcceptOptions extends SessionOptions {
  /**
   * Decide who the client is, before any other frame of it is read. What it returns becomes `session.principal`;
   * when it throws or rejects, the client gets `ERR_AUTH` and no reason.
   */
  readonly authenticate?: (request: AuthenticateRequest) => unknown;
  /** Called with each session that was let in, before its first stream arrives: register handlers here. */
  readonly onSession?: (session: Session) => void;
}

/**
 * Serve one client over an open transport.
 * @returns its session, `connecting` until the client was let in.
 */
export function accept(transport: Transport, options: AcceptOptions = {}): Session {
  return acceptWith(transport, options, resolveOptions(options));
}

/** {@link accept} with options that are resolved already: one object for all sessions of a server. */
export function acceptWith(transport: Transport, options: AcceptOptions, resolved: ResolvedOptions): Session {
  const session = new Session("server", resolved);
  // Who decides at once needs no signal, and nearly all do: a controller costs more than the rest of a session.
  let gone: AbortController | undefined;
  const link: Link = new Link(
    "server",
    transport,
    session.mux,
    resolved,
    undefined,
    (event: SessionEvent) => {
      if (event.kind === "authenticate") {
        if (options.authenticate !== undefined) gone = new AbortController();
        void letIn(session, link, options, event.hello, gone?.signal);
      } else if (event.kind === "open") session.opened();
      else if (event.kind === "closed") {
        gone?.abort();
        session.end(event.error);
      } else session.notify(event);
    },
  );
  session.attach(link);
  return session;
}

async function letIn(
  session: Session,
  link: Link,
  options: AcceptOptions,
  hello: Hello,
  signal: AbortSignal | undefined,
): Promise<void> {
  try {
    if (options.authenticate !== undefined && signal !== undefined) {
      session.principal = await options.authenticate({ token: hello.token, hello, signal });
    }
  } catch {
    link.connection.close("ERR_AUTH", "Authentication failed");
    return;
  }
  if (link.connection.state !== "authenticating") return;
  const fail = (cause: unknown) => {
    session.end(new WireError("ERR_INTERNAL", "onSession failed", { cause }));
    link.connection.close("ERR_INTERNAL", "Internal error");
  };
  try {
    const pending: unknown = options.onSession?.(session);
    if (pending instanceof Promise) pending.catch(fail);
  } catch (error) {
    fail(error);
    return;
  }
  link.connection.accept(crypto.getRandomValues(new Uint8Array(16)), session.options.clock.now());
}
