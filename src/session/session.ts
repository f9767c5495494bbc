import { type Bytes, EMPTY } from "../core/bytes.ts";
import type { Codec } from "../core/codecs/codec.ts";
import { rawCodec } from "../core/codecs/raw.ts";
import { type ErrorName, StateError, type WireError } from "../core/errors.ts";
import type { SessionEvent } from "../core/events.ts";
import type { Registration } from "../core/resume/resume-registry.ts";
import { DEFAULT_PRIORITY } from "../core/sending/scheduler.ts";
import { Mux } from "../core/streams/mux.ts";
import type { Stream } from "../core/streams/stream.ts";
import type { Role } from "../core/streams/stream-table.ts";
import type { Hello } from "../core/wire/hello.ts";
import { encodeMetadata, isEmptyMetadata, type Metadata } from "../core/wire/metadata.ts";
import type { Transport, TransportName } from "../transports/transport.ts";
import {
  DatagramEvent,
  GoAwayEvent,
  MigratedEvent,
  type ResumeOutcome,
  type SessionEventMap,
  type SessionState,
  StateChangeEvent,
} from "./events.ts";
import type { Link } from "./link.ts";
import { MessageStream } from "./message-stream.ts";
import type { CloseOptions, ResolvedOptions } from "./options.ts";
import {
  acceptStream,
  giveUp,
  internalError,
  type MessageHandler,
  namedHandler,
  type StreamHandler,
} from "./peer-streams.ts";
import { SessionHistory, type SessionStats } from "./session-stats.ts";
import { type StreamOptions, streamMetadata } from "./stream-options.ts";
import { type Waiter, wait } from "./wait.ts";

/**
 * One end of a session: streams of messages, datagrams and calls between two peers. It lives on when its connection is
 * lost: the client connects again and both sides go on where they were, with nothing lost and nothing twice. Where
 * that is not possible, streams end with a `StreamLostError` and the client's session starts afresh.
 *
 * Events: `statechange` ({@link StateChangeEvent}), `migrated` ({@link MigratedEvent}), `goaway` ({@link GoAwayEvent}),
 * `datagram` ({@link DatagramEvent}).
 */
export class Session extends EventTarget {
  readonly role: Role;
  /** The options that the session was made with. */
  readonly options: ResolvedOptions;
  /** Whom the server took the client for; `undefined` on the client. */
  principal: unknown;
  /** Resolves when the session is closed, with the error that ended it. Never rejects. */
  readonly closed: Promise<WireError | undefined>;
  readonly #handlers: StreamHandler[] = [];
  #resolveClosed!: (error: WireError | undefined) => void;
  #state: SessionState = "connecting";
  #mux: Mux;
  #link: Link | undefined;
  #abort: AbortController | undefined;
  #error: WireError | undefined;
  readonly #history: SessionHistory = new SessionHistory();
  #outcome: ResumeOutcome | undefined;
  /** The store of a server that keeps the session, and what it notes with it. */
  keeper: { remove(session: Session): void } | undefined;
  registration: Registration | undefined;
  /** Moves the session to another transport; set by who connects. */
  migrator: ((transport: Transport) => Promise<void>) | undefined;
  /** Somebody has listened: without listeners no event is made. */
  #heard = false;
  /** What is called at the end, before `closed` resolves. */
  #enders: Set<() => void> | undefined;
  readonly #pings: Waiter<number>[] = [];

  constructor(role: Role, options: ResolvedOptions) {
    super();
    this.role = role;
    this.options = options;
    this.#mux = new Mux(role, options.limits);
    this.closed = new Promise((resolve) => {
      this.#resolveClosed = resolve;
    });
  }

  override addEventListener<K extends keyof SessionEventMap>(
    type: K,
    listener: (event: SessionEventMap[K]) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  override addEventListener(...args: Parameters<EventTarget["addEventListener"]>): void;
  override addEventListener(
    type: string,
    listener: unknown,
    options?: boolean | AddEventListenerOptions,
  ): void {
    this.#heard = true;
    super.addEventListener(type, listener as EventListener, options);
  }

  /** Where the session stands. */
  get state(): SessionState {
    return this.#state;
  }

  /** Why the session was closed; `undefined` while it is not, and when it was closed in order. */
  get error(): WireError | undefined {
    return this.#error;
  }

  /** Aborted when the session is closed. */
  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.#state === "closed" && !this.#abort.signal.aborted) this.#abort.abort(this.#error);
    return this.#abort.signal;
  }

  /**
   * Call `run` when the session is closed; it is not yet. For those that connect: it costs less than a listener of
   * {@link signal}.
   * @returns what takes it back.
   */
  onEnd(run: () => void): () => void {
    this.#enders ??= new Set();
    const enders = this.#enders.add(run);
    return () => enders.delete(run);
  }

  /** The codecs of this side. */
  get codecs(): readonly Codec[] {
    return this.options.codecs;
  }

  /** Where new streams are opened: for layers built on sessions. */
  get mux(): Mux {
    return this.#mux;
  }

  /** HELLO of the peer; `undefined` until the session is open. */
  get peer(): Hello | undefined {
    return this.#link?.connection.peer ?? this.#mux.peer;
  }

  /** Whether the streams went on when the session came by its current connection; `undefined` on the first one. */
  get resumed(): ResumeOutcome | undefined {
    return this.#outcome;
  }

  /**
   * Open a stream of messages. It may be used at once: what is sent before the session is open waits, within the
   * credit that a client has before it knows its peer.
   * @param name - what it is for; the peer's handler sees it
   * @throws {StreamError} when the session is closed or the peer is going away.
   */
  openStream<Out = Bytes, In = Bytes>(
    name: string,
    options: StreamOptions<Out, In> = {},
  ): MessageStream<Out, In> {
    const { lane, priority = DEFAULT_PRIORITY } = options;
    const stream = this.open(name, streamMetadata(options), priority, lane === "own");
    const codec = options.codec ?? rawCodec;
    return new MessageStream(stream, codec as Codec<Out>, codec as Codec<In>);
  }

  /** Open a stream without its asynchronous shell: for layers built on sessions. */
  open(name: string, metadata: Metadata, priority: number, ownLane = false): Stream {
    const encoded = isEmptyMetadata(metadata) ? EMPTY : encodeMetadata(metadata, this.options.limits);
    const stream = this.#mux.open({ name, priority, ownLane, metadata: encoded });
    if (metadata.compress === false) stream.compress = false;
    return stream;
  }

  /**
   * Take the streams that the peer opens under `name`.
   * @param handler - called with each one; the stream is over for this side when it and both halves have ended. When
   *   it throws, the stream ends with that StreamError, or with `ERR_INTERNAL` for any other error
   */
  onStream<Out = Bytes, In = Bytes>(
    name: string,
    handler: MessageHandler<Out, In>,
    options: { readonly codec?: Codec<Out> & Codec<In> } = {},
  ): void {
    this.addStreamHandler(namedHandler(name, handler, options.codec));
  }

  /** Take streams that the peer opens: for layers built on sessions. Handlers are asked in the order they came. */
  addStreamHandler(handler: StreamHandler): void {
    this.#handlers.push(handler);
  }

  /**
   * Send a datagram: unordered, unreliable, dropped rather than kept waiting.
   * @param payload - the session keeps it unchanged until it is sent
   * @returns false when it is too long or the session is not open.
   */
  sendDatagram(payload: Bytes): boolean {
    return this.#link?.connection.sendDatagram(payload) ?? false;
  }

  /**
   * Measure the round trip to the peer, ms.
   * @throws {WireError} when the connection is lost before the answer.
   */
  ping(): Promise<number> {
    const connection = this.#link?.connection;
    if (this.#state !== "open" || connection === undefined) {
      return Promise.reject(new StateError(`Cannot ping: session is ${this.#state}`));
    }
    connection.ping();
    return wait((waiter) => waiter, this.#pings, undefined);
  }

  /** Figures of this moment. */
  stats(): SessionStats {
    return this.#history.stats(this.#state, this.#mux, this.#link);
  }

  /**
   * Take no new streams from the peer and tell it to go elsewhere; streams that are open go on.
   * @param delayMs - how long the peer should wait before it connects again
   */
  goAway(reason: string, delayMs: number): void {
    this.#link?.connection.goAway(reason, delayMs);
  }

  /** Close the session. What was not sent yet is dropped: await `stream.close()` first where that matters. */
  close(options: CloseOptions = {}): Promise<WireError | undefined> {
    return this.shutDown("ERR_NONE", options.reason ?? "");
  }

  /** Close the session and tell the peer why. A client that hears `ERR_GOING_AWAY` connects again. */
  shutDown(code: ErrorName, reason: string): Promise<WireError | undefined> {
    this.#link?.connection.close(code, reason);
    this.end(undefined);
    return this.closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close().then(() => {});
  }

  /**
   * Move to another transport without a loss: streams and calls go on, in both directions, while data flows. The
   * transport must lead to the same server; it is closed when that does not work, and the session stays where it is.
   * @throws {StateError} when this side is not the client, or the session is not open or cannot be carried on.
   * @throws {WireError} when the server does not take it over in time.
   */
  migrate(transport: Transport): Promise<void> {
    if (this.migrator !== undefined) return this.migrator(transport);
    transport.close(1_000, "");
    return Promise.reject(new StateError("Cannot migrate session: only its client can"));
  }

  /** Carry on over this link. For those that connect and listen. */
  attach(link: Link): void {
    if (this.#link !== undefined) this.#collect(new StateError("Connection was replaced"));
    this.#link = link;
  }

  /** The link that carries the session now. For those that connect and listen. */
  get link(): Link | undefined {
    return this.#link;
  }

  /** The session is open. For those that connect and listen. */
  opened(outcome?: ResumeOutcome): void {
    if (outcome !== undefined) this.#outcome = outcome;
    if (outcome?.resumed) this.#history.resumes++;
    // A fresh start has streams of its own.
    if (this.#link !== undefined) this.#mux = this.#link.connection.mux;
    this.setState("open", undefined, 0, outcome);
  }

  /** The session has moved to the link that is attached now. For those that connect. */
  migrated(from: TransportName | undefined): void {
    this.#history.migrations++;
    this.#outcome = { resumed: true, reason: "migrated" };
    this.dispatchEvent(new MigratedEvent(from, this.#link?.transport ?? "memory"));
  }

  /** The peer takes no new streams: they wait for the next connection. For those that connect. */
  leave(): void {
    this.#mux = new Mux(this.role, this.options.limits);
  }

  /** The connection is gone, the streams wait to be carried on. For those that connect and listen. */
  lost(error: WireError, retryInMs: number): void {
    const mux = this.#mux;
    mux.suspend();
    mux.wake = () => queueMicrotask(() => !mux.live && this.#deliver(mux));
    this.disconnected(error, retryInMs, "resuming");
  }

  /** The connection is gone; streams that none has seen yet wait for the next one. For those that connect. */
  disconnected(error: WireError, retryInMs: number, state: SessionState = "connecting"): void {
    if (this.#state === "open") this.#history.reconnects++;
    this.#collect(error);
    this.setState(state, error, retryInMs);
  }

  /**
   * The streams cannot be carried on: they end, and fresh ones wait for the next connection. For those that connect.
   * @param next - carries the fresh ones
   */
  startOver(error: WireError, retryInMs: number, next: Mux = new Mux(this.role, this.options.limits)): void {
    const mux = this.#mux;
    this.#mux = next;
    this.#history.resentBytes += mux.resentBytes;
    this.disconnected(error, retryInMs);
    this.failStreams(mux, error);
  }

  /** End all streams that no connection carries any more. For those that connect. */
  failStreams(mux: Mux, error: WireError | undefined): void {
    mux.fail(error);
    this.#deliver(mux);
  }

  /** Deliver what happens to streams while no connection does it. */
  #deliver(mux: Mux): void {
    for (let event = mux.poll(); event !== undefined; event = mux.poll()) this.notify(event);
  }

  /** The session is over. For those that connect and listen. */
  end(error: WireError | undefined): void {
    if (this.#state === "closed") return;
    const carried = this.#link?.connection.mux === this.#mux;
    this.#collect(error);
    if (carried) this.#mux.fail(error);
    this.#error = error;
    this.keeper?.remove(this);
    this.setState("closed", error, 0);
    this.#abort?.abort(error);
    for (const run of this.#enders ?? []) run();
    this.#resolveClosed(error);
    if (!carried) this.failStreams(this.#mux, error);
  }

  #collect(error: WireError | undefined): void {
    const connection = this.#link?.connection;
    this.#link = undefined;
    for (const ping of this.#pings.splice(0)) ping.reject(error ?? new StateError("Session was closed"));
    this.#history.ended(connection);
  }

  /** Enter a state and tell the listeners. For those that connect and listen. */
  setState(
    state: SessionState,
    error: WireError | undefined,
    retryInMs: number,
    outcome?: ResumeOutcome,
  ): void {
    if (this.#state === "closed") return;
    this.#state = state;
    if (this.#heard) this.dispatchEvent(new StateChangeEvent(state, error, retryInMs, outcome));
  }

  /** Deliver what concerns streams, datagrams and pings. For those that connect and listen. */
  notify(event: SessionEvent): void {
    switch (event.kind) {
      case "readable":
      case "writable":
      case "stopped":
      case "delivered":
        try {
          event.stream.owner?.notify(event);
        } catch (error) {
          giveUp(event.stream, internalError(error));
        }
        return;
      case "stream":
        acceptStream(this.#handlers, event.stream);
        return;
      case "datagram":
        if (this.#heard) this.dispatchEvent(new DatagramEvent(event.payload));
        return;
      case "pong":
        for (const ping of this.#pings.splice(0)) ping.resolve(event.roundTripMs);
        return;
      case "goaway":
        this.dispatchEvent(new GoAwayEvent(event.error, event.delayMs));
    }
  }
}
