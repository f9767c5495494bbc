import type { Bytes } from "../core/bytes.ts";
import { WireError } from "../core/errors.ts";
import { BufferPool } from "../core/wire/buffer-pool.ts";
import { type AcceptOptions, type AuthenticateRequest, acceptWith } from "../session/accept.ts";
import {
  Admission,
  type AdmissionOptions,
  type Place,
  type Refusal,
  type RequestHead,
} from "../session/admission.ts";
import { type ResolvedOptions, resolveOptions } from "../session/options.ts";
import type { Session } from "../session/session.ts";
import { SessionStore, type SessionStoreOptions } from "../session/store.ts";
import type { Transport } from "../transports/transport.ts";
import type { Service } from "./service.ts";

/** What a server of any runtime can choose. `Request` is what its clients come by. */
export interface HostOptions<Request>
  extends Omit<AcceptOptions, "authenticate" | "store">,
    AdmissionOptions {
  /**
   * How sessions are kept whose connection was lost: bounds, or a store that several servers of this process share.
   * `false`: they are not. Default: the bounds of `DEFAULT_RESUME_LIMITS`.
   */
  readonly resume?: SessionStore | SessionStoreOptions | false;
  /** See {@link AcceptOptions.authenticate}. */
  readonly authenticate?: (request: AuthenticateRequest & { readonly request: Request }) => unknown;
  /** Handlers of calls, attached to every session. */
  readonly services?: readonly Service[];
}

/** Ways to close a server. */
export interface ServerCloseOptions {
  /** How long open streams may go on, ms. Default 10,000. */
  readonly drainMs?: number;
  /**
   * How long clients should wait before they connect again, ms; each is told a random time of up to `spreadMs` more,
   * so that they do not all come to the next server at once. Default 0 and 1,000.
   */
  readonly reconnectMs?: number;
  readonly spreadMs?: number;
}

/** A server that listens. */
export interface Server {
  /** Where it listens, with the ports it got: one URL for each entry of `listen`. */
  readonly urls: readonly string[];
  /** The sessions that were let in. */
  readonly sessions: ReadonlySet<Session>;
  /** Open connections, those included that are not let in yet. */
  readonly connections: number;
  /** Where sessions are kept whose connection was lost; `undefined` when none is. */
  readonly store: SessionStore | undefined;
  /** Take no new connections, let open streams end for a while, then close every session. */
  close(options?: ServerCloseOptions): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** What closes the listeners of a server. */
export interface Listeners {
  /** Take no new connections. */
  stop(): void;
  /** Every session is closed: close what is left of connections. @returns resolves when that is done. */
  finish(): Promise<unknown>;
}

const DEFAULT_DRAIN_MS = 10_000;
const DEFAULT_SPREAD_MS = 1_000;
const DRAIN_CHECK_MS = 20;

/** The sessions of one server, whatever transports they come by: admission, authentication, services, draining. */
export class SessionHost<Request> {
  readonly sessions: Set<Session> = new Set();
  readonly store: SessionStore | undefined;
  readonly resolved: ResolvedOptions;
  readonly #options: HostOptions<Request>;
  readonly #admission: Admission;
  /** Sessions that are not let in yet, too. */
  readonly #all: Set<Session> = new Set();
  /** The connection that brought each session here last: with a shared store, it may have gone elsewhere since. */
  readonly #links: WeakMap<Session, object> = new WeakMap();
  #closing: Promise<void> | undefined;

  /**
   * @param digest - SHA-256 by the runtime's own fastest way; WebCrypto by default
   * @throws {RangeError} when a limit is out of its bounds; {@link TypeError} for an origin or host that matches nothing.
   */
  constructor(options: HostOptions<Request>, digest?: (token: Bytes) => Bytes | Promise<Bytes>) {
    this.#options = options;
    const { resume = {}, clock } = options;
    if (resume instanceof SessionStore) this.store = resume;
    else if (resume !== false)
      this.store = new SessionStore({
        ...(digest === undefined ? {} : { digest }),
        ...(clock === undefined ? {} : { clock }),
        ...resume,
      });
    this.resolved = resolveOptions({ pool: new BufferPool(), ...options });
    this.#admission = new Admission(options);
  }

  /** Open connections, those included that are not let in yet. */
  get connections(): number {
    return this.#admission.open;
  }

  /** Why a client is refused; `undefined` when it may go on. See {@link Admission.check}. */
  check(head: RequestHead | undefined, address: string): Refusal | undefined {
    if (this.#closing !== undefined) return { status: 503, reason: "Server is closing" };
    return this.#admission.check(head, address);
  }

  /** What is wrong with a request that comes after its connection was counted. See {@link Admission.checkHead}. */
  checkHead(head: RequestHead): Refusal | undefined {
    return this.#admission.checkHead(head);
  }

  /** Count a connection that was not refused; its place is left when it closes. */
  enter(address: string): Place {
    return this.#admission.enter(address);
  }

  /** Serve a client. @param request - what it came by, for `authenticate` */
  accept(transport: Transport, request: Request, place: Place): void {
    const { authenticate, onResume, onSession, services = [] } = this.#options;
    const session = acceptWith(
      transport,
      {
        ...(authenticate === undefined
          ? {}
          : { authenticate: (client) => authenticate({ ...client, request }) }),
        ...(this.store === undefined ? {} : { store: this.store }),
        onResume: (resumed) => {
          place.letIn();
          this.#adopt(resumed);
          onResume?.(resumed);
        },
        onSession: (accepted) => {
          place.letIn();
          this.#adopt(accepted);
          for (const service of services) service.attach(accepted);
          return onSession?.(accepted); // a promise where it is asynchronous
        },
      },
      this.resolved,
    );
    this.#know(session);
  }

  #know(session: Session): void {
    if (this.#all.has(session)) return;
    this.#all.add(session);
    void session.closed.then(() => {
      this.#all.delete(session);
      this.sessions.delete(session);
    });
  }

  /** A session was let in here, or came here. */
  #adopt(session: Session): void {
    this.#know(session);
    this.sessions.add(session);
    if (session.link !== undefined) this.#links.set(session, session.link);
  }

  /** Whether a session is carried by a connection of this server. */
  #carries(session: Session): boolean {
    return session.link !== undefined && (this.#links.get(session) ?? session.link) === session.link;
  }

  /** See {@link Server.close}. @param listeners - what brings the connections */
  close(options: ServerCloseOptions, listeners: Listeners): Promise<void> {
    this.#closing ??= this.#close(options, listeners);
    return this.#closing;
  }

  async #close(options: ServerCloseOptions, listeners: Listeners): Promise<void> {
    const { drainMs = DEFAULT_DRAIN_MS, reconnectMs = 0, spreadMs = DEFAULT_SPREAD_MS } = options;
    const { clock } = this.resolved;
    const pause = () => new Promise<void>((resolve) => clock.schedule(resolve, DRAIN_CHECK_MS));
    listeners.stop();
    for (const session of [...this.sessions].filter((each) => this.#carries(each)))
      session.goAway("Server is closing", reconnectMs + Math.floor(Math.random() * spreadMs));
    const end = clock.now() + drainMs;
    for (;;) {
      this.#endDetached();
      const busy = [...this.sessions].some((each) => this.#carries(each) && each.mux.table.size > 0);
      if (!busy || clock.now() >= end) break;
      await pause();
    }
    await Promise.all(
      [...this.#all]
        .filter((session) => this.#carries(session))
        .map((session) => session.shutDown("ERR_GOING_AWAY", "Server is closing")),
    );
    await listeners.finish();
    while (this.connections > 0) await pause();
  }

  /** Nobody can come back to this server any more; to another one that shares its store they can. */
  #endDetached(): void {
    if (this.#options.resume instanceof SessionStore) return;
    const error = new WireError("ERR_GOING_AWAY", "Server is closing");
    for (const session of [...this.sessions]) if (session.state === "resuming") session.end(error);
  }
}
