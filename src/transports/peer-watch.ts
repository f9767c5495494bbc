/** What a watch is given. */
export interface PeerWatchOptions {
  /** Locks of the origin; `undefined` where there are none. */
  readonly locks: LockManager | undefined;
  /** How long the peer may say nothing when it holds no lock, ms; 0 for ever. */
  readonly silenceMs: number;
  /** Ask the peer for a sign of life. */
  readonly ping: () => void;
  /** The peer is gone. */
  readonly gone: (why: string) => void;
}

/** Names of our locks begin with this: a peer cannot have us queue for a lock of the application. */
const LOCK_PREFIX = "tideway:";

/** How long what was posted before the lock was let go may still take to arrive, ms. */
const LAST_WORDS_MS = 100;

/** Periods of silence, each after an event loop that ran, that make a peer dead. */
const SILENT_PERIODS = 4;

/**
 * Notices that the thread at the other end of a port is gone.
 *
 * A lock of the Web Locks API is let go by the browser when its thread ends, however it ends, and not before: a thread
 * that computes for minutes keeps it. So each end holds one for the other to wait for. Where a peer has none, it is
 * asked for a sign of life whenever it was silent. Periods are counted, not time: when this thread stands still, no
 * period passes, and the peer is not judged by it.
 */
export class PeerWatch {
  readonly #options: PeerWatchOptions;
  /** Aborted when the watch ends. */
  readonly #over = new AbortController();
  #release: (() => void) | undefined;
  /** A lock of the peer is waited for: silence means nothing. */
  #following = false;
  #ended = false;
  #silent = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(options: PeerWatchOptions) {
    this.#options = options;
  }

  /**
   * Take a lock for the peer to wait for.
   * @param ready - called with its name; at once with `undefined` where there are no locks
   */
  announce(ready: (lock: string | undefined) => void): void {
    const { locks } = this.#options;
    if (locks === undefined) {
      ready(undefined);
      return;
    }
    const name = LOCK_PREFIX + crypto.randomUUID();
    const hold = () =>
      new Promise<void>((resolve) => {
        this.#release = resolve;
        if (this.#over.signal.aborted) resolve();
        else ready(name);
      });
    // Refused where the origin is opaque, as in a sandbox.
    locks.request(name, hold).catch(() => ready(undefined));
  }

  /** Wait for the lock of the peer. */
  async follow(name: string): Promise<void> {
    const { locks } = this.#options;
    if (locks === undefined || this.#following || !name.startsWith(LOCK_PREFIX)) return;
    try {
      // Another origin has locks of its own: one that nobody seems to hold says nothing.
      const { held = [] } = await locks.query();
      if (this.#over.signal.aborted || this.#ended || !held.some((lock) => lock.name === name)) return;
      this.#following = true;
      clearTimeout(this.#timer);
      await locks.request(name, { signal: this.#over.signal }, () => {});
    } catch {
      if (this.#ended) return;
      this.#following = false;
      this.#timer = undefined;
      return;
    }
    this.ended();
  }

  /** The peer has ended: it is gone when what it has posted before has had time to arrive. */
  ended(): void {
    if (this.#over.signal.aborted || this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#options.gone("the other thread has ended"), LAST_WORDS_MS);
  }

  /** The peer has said something. */
  heard(): void {
    this.#silent = 0;
    if (this.#timer === undefined && this.#options.silenceMs > 0) this.#listen();
  }

  /** Let go of everything. */
  stop(): void {
    this.#over.abort();
    this.#release?.();
    clearTimeout(this.#timer);
  }

  #listen(): void {
    this.#timer = setTimeout(
      () => {
        if (this.#following || this.#ended) return;
        if (this.#silent === SILENT_PERIODS) {
          this.#options.gone(`the other thread said nothing for ${this.#options.silenceMs} ms`);
          return;
        }
        if (this.#silent++ > 0) this.#options.ping();
        this.#listen();
      },
      this.#options.silenceMs / (SILENT_PERIODS + 1),
    );
  }
}
