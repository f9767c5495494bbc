import type { Bytes } from "../core/bytes.ts";
import { WireError } from "../core/errors.ts";
import type { SessionEvent } from "../core/events.ts";
import type { Limits } from "../core/limits.ts";
import { type Hello, sameBounds } from "../core/wire/hello.ts";
import type { Transport } from "../transports/transport.ts";
import { Link } from "./link.ts";
import { type ResolvedOptions, resolveOptions, type SessionOptions } from "./options.ts";
import { Session } from "./session.ts";
import type { IssuedToken, SessionStore } from "./store.ts";

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
  /**
   * Where sessions are kept whose connection was lost, so that their clients can carry them on. Without it none is.
   */
  readonly store?: SessionStore;
  /** Called with each session that was let in, before its first stream arrives: register handlers here. */
  readonly onSession?: (session: Session) => void;
  /** Called with each session that its client came back to. */
  readonly onResume?: (session: Session) => void;
}

/**
 * Serve one client over an open transport.
 * @returns its session, `connecting` until the client was let in. When the client carries on a session of
 *   `options.store`, that one goes on, and this one is closed.
 */
export function accept(transport: Transport, options: AcceptOptions = {}): Session {
  return acceptWith(transport, options, resolveOptions(options));
}

/** {@link accept} with options that are resolved already: one object for all sessions of a server. */
export function acceptWith(transport: Transport, options: AcceptOptions, resolved: ResolvedOptions): Session {
  const session = new Session("server", resolved);
  const visit = new Visit(session, options);
  visit.link = new Link("server", transport, resolved, { mux: session.mux }, (event) => visit.hear(event));
  session.attach(visit.link);
  return session;
}

/** Limits that HELLO says, and that hold as long as the session. */
const SAID = [
  "maxFrameBytes",
  "maxMessageBytes",
  "streamWindowBytes",
  "sessionWindowBytes",
  "maxStreams",
] as const satisfies readonly (keyof Limits)[];

/** One connection of a client, from HELLO to its end. */
class Visit {
  link!: Link;
  /** The session that the connection carries: one of its own, until it turns out that it is another one. */
  #session: Session;
  readonly #options: AcceptOptions;
  /** Who decides at once needs no signal, and nearly all do: a controller costs more than the rest of a session. */
  #gone: AbortController | undefined;
  #confirmed = false;

  constructor(session: Session, options: AcceptOptions) {
    this.#session = session;
    this.#options = options;
  }

  hear(event: SessionEvent): void {
    const session = this.#session;
    switch (event.kind) {
      case "authenticate":
        if (this.#options.authenticate !== undefined) this.#gone = new AbortController();
        void this.#letIn(event.hello);
        return;
      case "open":
        session.opened(event.resumed ? { resumed: true, reason: "resumed" } : undefined);
        return;
      case "closed":
        this.#gone?.abort();
        if (session.link === this.link) this.#ended(event.error, event.resumable);
        return;
      case "pong":
        // What was asked with HELLO is answered: the client has its token.
        if (!this.#confirmed) this.#options.store?.confirm(session);
        this.#confirmed = true;
        session.notify(event);
        return;
      default:
        session.notify(event);
    }
  }

  #ended(error: WireError | undefined, resumable: boolean): void {
    const session = this.#session;
    if (!resumable || error === undefined) return session.end(error);
    session.lost(error, 0);
    if (this.#options.store?.detach(session) !== true) session.end(error);
  }

  async #letIn(hello: Hello): Promise<void> {
    const { authenticate, store } = this.#options;
    const { connection } = this.link;
    let principal: unknown;
    let issued: IssuedToken | undefined;
    let shown: Bytes | undefined;
    try {
      if (authenticate !== undefined && this.#gone !== undefined) {
        principal = await authenticate({ token: hello.token, hello, signal: this.#gone.signal });
      }
      if (store !== undefined && (hello.resumeMs ?? 0) > 0) {
        issued = await store.issue();
        if (hello.resumeToken !== undefined) shown = await store.digestOf(hello.resumeToken);
      }
    } catch {
      connection.close("ERR_AUTH", "Authentication failed");
      return;
    }
    if (connection.state !== "authenticating") return;
    const { resumeAttempt: attempt, sessionId } = hello;
    const known =
      store !== undefined && issued !== undefined && shown !== undefined && sessionId !== undefined
        ? store.claim({ sessionId, shown, principal, attempt, issued }, (session) => this.#fits(session))
        : undefined;
    if (known !== undefined && known.state !== "closed" && issued !== undefined)
      this.#carryOn(known, hello, issued);
    else this.#begin(principal, issued);
  }

  /** Whether a session can go on over this connection: a store can be shared by listeners with other limits. */
  #fits(known: Session): boolean {
    const { limits } = this.#session.options;
    const same = SAID.every((name) => known.options.limits[name] === limits[name]);
    return same && known.state !== "closed" && !known.mux.told.overflowed;
  }

  /** The client comes back to a session: whatever carried it before lets go of it. */
  #carryOn(known: Session, hello: Hello, { token }: IssuedToken): void {
    const { connection } = this.link;
    known.link?.connection.supersede();
    const first = known.mux.peer;
    if (first === undefined || !sameBounds(first, hello)) {
      const error = new WireError("ERR_PROTOCOL", "Client came back with other limits");
      known.end(error);
      connection.close(error.code, error.message);
      return;
    }
    const own = this.#session;
    this.#session = known;
    known.attach(this.link);
    connection.accept(
      {
        sessionId: hello.sessionId as Bytes,
        resume: { resumeToken: token, resumeMs: (this.#options.store as SessionStore).keepMs },
        mux: known.mux,
      },
      known.options.clock.now(),
    );
    own.end(undefined);
    this.#options.onResume?.(known);
  }

  #begin(principal: unknown, issued: IssuedToken | undefined): void {
    const session = this.#session;
    const { connection } = this.link;
    session.principal = principal;
    const fail = (cause: unknown) => {
      session.end(new WireError("ERR_INTERNAL", "onSession failed", { cause }));
      connection.close("ERR_INTERNAL", "Internal error");
    };
    try {
      const pending: unknown = this.#options.onSession?.(session);
      if (pending instanceof Promise) pending.catch(fail);
    } catch (error) {
      fail(error);
      return;
    }
    const { store } = this.#options;
    const sessionId = crypto.getRandomValues(new Uint8Array(16));
    if (store === undefined || issued === undefined) {
      connection.accept({ sessionId }, session.options.clock.now());
      return;
    }
    store.add(session, sessionId, issued);
    const resume = { resumeToken: issued.token, resumeMs: store.keepMs };
    connection.accept({ sessionId, resume }, session.options.clock.now());
  }
}
