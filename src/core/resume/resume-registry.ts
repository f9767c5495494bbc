import type { Bytes } from "../bytes.ts";

/** How much a server keeps for clients whose connection was lost (T40 to T42). All of it is finite. */
export interface ResumeLimits {
  /** How long a session without a connection is kept, ms. */
  readonly keepMs: number;
  /** Sessions without a connection, in all and of one principal. The one that was lost first goes first. */
  readonly maxDetached: number;
  readonly maxDetachedPerPrincipal: number;
  /** Bytes that they hold together: sent and kept, queued, not read. */
  readonly maxDetachedBytes: number;
}

/** The defaults. Source: docs/protocol.md, section 8. */
export const DEFAULT_RESUME_LIMITS: ResumeLimits = {
  keepMs: 60_000,
  maxDetached: 10_000,
  maxDetachedPerPrincipal: 16,
  maxDetachedBytes: 268_435_456,
};

/** What no option can pass. */
export const MOST_RESUME_LIMITS: ResumeLimits = {
  keepMs: 86_400_000,
  maxDetached: 1_000_000,
  maxDetachedPerPrincipal: 1_000_000,
  maxDetachedBytes: Number.MAX_SAFE_INTEGER,
};

/** Totals since the registry was made. */
export interface ResumeCounters {
  /** Sessions that went on over another connection, and those of them whose earlier one was still there. */
  resumed: number;
  takenOver: number;
  /** Clients whose session is not known here, whose token was not right, or who are somebody else. */
  refused: number;
  /** Sessions that nobody came back for in time, and those that made room for others. */
  expired: number;
  evicted: number;
}

/** Why a session was dropped. */
export type DropReason = "expired" | "evicted";

/** What a client shows to carry a session on. */
export interface Claim {
  readonly sessionId: Bytes;
  /** Digest of the token that it has shown. */
  readonly digest: Bytes;
  /** Who it is. */
  readonly principal: string | undefined;
  /** Digest of the token that it gets now. */
  readonly next: Bytes;
  /** Which of its attempts this is: what was sent earlier and came later must not undo it. Default: the latest. */
  readonly attempt?: number | undefined;
}

/** What the registry notes with a session. It is small: an idle session should be. */
export interface Registration {
  readonly key: string;
  readonly principal: string | undefined;
  /** Digests of the tokens that prove the session: the one that was shown last, and the one that was given then. */
  current: string;
  next: string | undefined;
  /** The latest attempt to carry it on. */
  attempt: number;
  /** When its connection was lost, ms, and the bytes that it held when they were counted last. */
  detachedAt: number;
  bytes: number;
}

/** What the registry asks of a session. */
export interface Resumable {
  /** Its streams, and the bytes that they hold now. */
  readonly mux: { readonly heldBytes: number };
  /** Belongs to the registry. */
  registration?: Registration | undefined;
}

/** How often the bytes of all detached sessions are counted again, ms: their applications go on sending. */
const COUNT_EVERY_MS = 100;

/**
 * The sessions of a server that clients can carry on, without I/O: who they belong to, what proves that, and how long
 * they are kept. It holds digests of tokens only, so that its memory gives no session away.
 *
 * A token is rotated in two steps: the one that a client showed stays good until the client has proved, by an answer
 * over the connection that it got with it, that it has the next one.
 */
export class ResumeRegistry<T extends Resumable> {
  readonly limits: ResumeLimits;
  readonly counters: ResumeCounters = { resumed: 0, takenOver: 0, refused: 0, expired: 0, evicted: 0 };
  readonly #onDrop: (owner: T, why: DropReason) => void;
  readonly #byKey: Map<string, T> = new Map();
  /** Sessions without a connection, the one that was lost first at the beginning. */
  readonly #detached: Set<T> = new Set();
  readonly #byPrincipal: Map<string, number> = new Map();
  #detachedBytes = 0;
  #countedAt = Number.NEGATIVE_INFINITY;

  /** @param onDrop - called with each session that is not kept any more */
  constructor(limits: ResumeLimits, onDrop: (owner: T, why: DropReason) => void) {
    this.limits = limits;
    this.#onDrop = onDrop;
  }

  /** Sessions, those with a connection included. */
  get size(): number {
    return this.#byKey.size;
  }

  /** Sessions without a connection. */
  get detached(): number {
    return this.#detached.size;
  }

  /** Bytes that they hold, as last counted. */
  get detachedBytes(): number {
    return this.#detachedBytes;
  }

  /**
   * Know a session from now on.
   * @param principal - whom it belongs to; `undefined` where clients are not told apart
   * @param digest - of the token that its client gets
   */
  add(owner: T, sessionId: Bytes, principal: string | undefined, digest: Bytes): void {
    const key = textOf(sessionId);
    this.#byKey.set(key, owner);
    owner.registration = {
      key,
      principal,
      current: textOf(digest),
      next: undefined,
      attempt: 0,
      detachedAt: -1,
      bytes: 0,
    };
  }

  /**
   * Find the session that a client wants to carry on. When it is found, it counts as connected.
   * @param fits - whether the session can go on over the connection that asks
   * @returns `undefined` when it is not known, not proved, not the client's, or asked for by an older attempt than the
   *   last one: nobody can tell which.
   */
  claim(claim: Claim, fits: (owner: T) => boolean = () => true): T | undefined {
    const owner = this.#byKey.get(textOf(claim.sessionId));
    const entry = owner?.registration;
    const shown = textOf(claim.digest);
    const current = equal(shown, entry?.current ?? NOTHING);
    const given = equal(shown, entry?.next ?? NOTHING);
    const proved = (current || given) && entry?.principal === claim.principal;
    const { attempt = (entry?.attempt ?? 0) + 1 } = claim;
    if (!proved || owner === undefined || entry === undefined || attempt <= entry.attempt || !fits(owner)) {
      this.counters.refused++;
      return undefined;
    }
    this.counters.resumed++;
    if (!this.#detached.has(owner)) this.counters.takenOver++;
    this.#attach(owner, entry);
    entry.attempt = attempt;
    entry.current = shown;
    entry.next = textOf(claim.next);
    return owner;
  }

  /** The client of a session has shown that it has the token that it got last: the one before is of no use now. */
  confirm(owner: T): void {
    const entry = owner.registration;
    if (entry?.next === undefined) return;
    entry.current = entry.next;
    entry.next = undefined;
  }

  /** The connection of a session was lost. @returns false when it is not known: nobody can carry it on. */
  detach(owner: T, now: number): boolean {
    const entry = owner.registration;
    if (entry === undefined) return false;
    if (this.#detached.has(owner)) return true;
    entry.detachedAt = now;
    entry.bytes = owner.mux.heldBytes;
    this.#detached.add(owner);
    this.#detachedBytes += entry.bytes;
    this.#count(entry.principal, 1);
    this.#makeRoom(entry.principal, now);
    return true;
  }

  #attach(owner: T, entry: Registration): void {
    if (!this.#detached.delete(owner)) return;
    this.#detachedBytes -= entry.bytes;
    this.#count(entry.principal, -1);
  }

  #count(principal: string | undefined, change: number): void {
    if (principal === undefined) return;
    const count = (this.#byPrincipal.get(principal) ?? 0) + change;
    if (count > 0) this.#byPrincipal.set(principal, count);
    else this.#byPrincipal.delete(principal);
  }

  /** Drop those that were lost first, until what is left is inside the limits. */
  #makeRoom(principal: string | undefined, now: number): void {
    const { maxDetached, maxDetachedBytes, maxDetachedPerPrincipal } = this.limits;
    if (now >= this.#countedAt + COUNT_EVERY_MS) this.#countBytes(now);
    if (principal !== undefined && (this.#byPrincipal.get(principal) ?? 0) > maxDetachedPerPrincipal) {
      for (const owner of this.#detached) {
        if (owner.registration?.principal !== principal) continue;
        this.#drop(owner, "evicted");
        break;
      }
    }
    this.#evict(maxDetached, maxDetachedBytes);
  }

  #evict(most: number, mostBytes: number): void {
    for (const owner of this.#detached) {
      if (this.#detached.size <= most && this.#detachedBytes <= mostBytes) return;
      this.#drop(owner, "evicted");
    }
  }

  #countBytes(now: number): void {
    this.#countedAt = now;
    this.#detachedBytes = 0;
    for (const owner of this.#detached) {
      if (owner.registration === undefined) continue;
      owner.registration.bytes = owner.mux.heldBytes;
      this.#detachedBytes += owner.registration.bytes;
    }
  }

  /** A session has ended: forget it. */
  remove(owner: T): void {
    const entry = owner.registration;
    if (entry === undefined) return;
    this.#attach(owner, entry);
    this.#byKey.delete(entry.key);
    owner.registration = undefined;
  }

  #drop(owner: T, why: DropReason): void {
    this.remove(owner);
    this.counters[why]++;
    this.#onDrop(owner, why);
  }

  /** When {@link expire} has something to do, ms; `undefined` for never. */
  get deadline(): number | undefined {
    for (const { registration } of this.#detached)
      return (registration?.detachedAt ?? 0) + this.limits.keepMs;
    return undefined;
  }

  /** Drop the sessions that nobody came back for, and those for which there is no room any more. */
  expire(now: number): void {
    for (const owner of this.#detached) {
      if (now < (owner.registration?.detachedAt ?? 0) + this.limits.keepMs) break;
      this.#drop(owner, "expired");
    }
    this.#countBytes(now);
    this.#evict(this.limits.maxDetached, this.limits.maxDetachedBytes);
  }
}

/** Bytes as a text of one character each: as small as the bytes, and a key. */
function textOf(bytes: Bytes): string {
  return String.fromCharCode(...bytes.subarray(0, MOST_BYTES));
}

/** Ids and digests are not longer than this; what is, is not one. */
const MOST_BYTES = 64;

/** Stands for no digest, and equals none. */
const NOTHING = "";

/** Compares in a time that does not depend on where two digests of one length differ. */
function equal(a: string, b: string): boolean {
  let difference = a.length === 0 ? 1 : a.length ^ b.length;
  for (let i = 0; i < a.length; i++) difference |= a.charCodeAt(i) ^ b.charCodeAt(i);
  return difference === 0;
}
