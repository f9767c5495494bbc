import { Word } from "./layout.ts";

/** Longest time that a thread sleeps before it looks again, ms (T61). */
export const RECHECK_MS = 50;

/** Where neither `Atomics.waitAsync` nor a doorbell wakes a thread that must not block, it looks this often, ms. */
const POLL_MS = 4;

/** `Atomics.waitAsync`, which not every runtime has, nor every version of the declarations. */
interface AsyncAtomics {
  waitAsync?(
    words: Int32Array,
    index: number,
    value: number,
  ):
    | { readonly async: false; readonly value: string }
    | { readonly async: true; readonly value: Promise<string> };
}
const { waitAsync } = Atomics as unknown as AsyncAtomics;

const NEVER: Promise<never> = new Promise(() => {});

/** A promise that somebody notifies of a word; `undefined` when it is not `value` any more. Never without `waitAsync`. */
export function changeOf(words: Int32Array, index: number, value: number): Promise<unknown> | undefined {
  if (waitAsync === undefined) return NEVER;
  const woken = waitAsync(words, index, value);
  return woken.async ? woken.value : undefined;
}

/** A word on which this thread alone sleeps. */
let own: Int32Array | undefined;

/**
 * Resolves in a task of its own, when timers and sockets have had their turn. It takes some 2 us, where there is
 * `Atomics.waitAsync`.
 */
export function nextTask(timers: Timers): Promise<unknown> {
  if (waitAsync === undefined) return new Promise<void>((resolve) => timers.schedule(resolve, 0));
  own ??= new Int32Array(new SharedArrayBuffer(4));
  const { value } = waitAsync(own, 0, 0);
  Atomics.notify(own, 0);
  return Promise.resolve(value);
}

/** Timers of the runtime: they keep its thread alive while it waits, and look again. */
export interface Timers {
  /** Call `run` once, not before `ms` have passed. @returns what {@link cancel} takes. */
  schedule(run: () => void, ms: number): unknown;
  cancel(handle: unknown): void;
  /** Milliseconds on a clock that never goes back. */
  now(): number;
}

/** Wakes the other thread where it cannot sleep on shared memory: a `MessagePort` to it. */
export interface Doorbell {
  /** Have the other thread's `hear` called. */
  ring(): void;
  /** @param run - called whenever the other thread rings */
  hear(run: () => void): void;
}

/** How a thread sleeps, a bit each in the word that says so. */
const ON_MEMORY = 1;
const ON_DOORBELL = 2;

/**
 * What the threads of one side of a channel sleep on: a word that says that somebody sleeps, and one that changes when
 * they are woken.
 *
 *     sleeper   e = epoch;  asleep |= how;  look at the ring;  if there is nothing, sleep while epoch is e
 *     waker     publish;  if asleep: asleep = 0, epoch + 1, wake all
 *
 * Either the sleeper's look sees what was published, or the waker sees that somebody sleeps. A waker that finds nobody
 * asleep only reads. test/channels/explorer.test.ts takes every order of these steps.
 */
export class Bell {
  readonly #control: Int32Array;
  readonly #epoch: number;
  readonly #asleep: number;
  readonly #doorbell: Doorbell | undefined;

  /** @param doorbell - wakes those who sleep without shared memory; without it there must be none */
  constructor(control: Int32Array, side: "receivers" | "senders", doorbell?: Doorbell) {
    this.#control = control;
    this.#epoch = side === "receivers" ? Word.DATA_EPOCH : Word.SPACE_EPOCH;
    this.#asleep = side === "receivers" ? Word.RECEIVERS_ASLEEP : Word.SENDERS_ASLEEP;
    this.#doorbell = doorbell;
  }

  /** Whether somebody said to sleep. */
  get isWanted(): boolean {
    return Atomics.load(this.#control, this.#asleep) !== 0;
  }

  /** Wake all that sleep. */
  ring(): void {
    const how = Atomics.exchange(this.#control, this.#asleep, 0);
    Atomics.add(this.#control, this.#epoch, 1);
    Atomics.notify(this.#control, this.#epoch);
    if ((how & ON_DOORBELL) !== 0) this.#doorbell?.ring();
  }

  /** Say that this thread is about to sleep on memory. Look at the ring after it, then {@link sleep}. @returns the epoch */
  announce(): number {
    return this.#announce(ON_MEMORY);
  }

  /** Say that this thread wants the doorbell. Look at the ring after it. @returns the epoch */
  announceDoorbell(): number {
    return this.#announce(ON_DOORBELL);
  }

  #announce(how: number): number {
    // The epoch first: when a waker clears the word for others right after this has set it, the epoch has changed.
    const epoch = Atomics.load(this.#control, this.#epoch);
    Atomics.or(this.#control, this.#asleep, how);
    return epoch;
  }

  /**
   * Block this thread until it is woken, or `ms` have passed.
   * @throws {TypeError} where a thread may not block: in a page.
   */
  sleep(epoch: number, ms: number): void {
    Atomics.wait(this.#control, this.#epoch, epoch, ms);
  }

  /** A promise of the next ring after `epoch`; `undefined` when it has rung already. */
  sleepAsync(epoch: number): Promise<unknown> | undefined {
    return changeOf(this.#control, this.#epoch, epoch);
  }
}

/** Looks at the ring before a blocked thread sleeps: the most, and what a thread begins with. */
const MOST_SPINS = 4_096;
const FIRST_SPINS = 256;
/** So many are always made. */
const LEAST_SPINS = 16;

/** How long a thread waits, and how. */
export interface BlockingOptions {
  /** Give up after so long, ms. Default: never. */
  readonly timeoutMs?: number;
  /** Looks at the ring before the thread sleeps; without it, as many as have paid off lately. `Infinity` never sleeps. */
  readonly spins?: number;
}

/** Waits of one end that block its thread: looks at the ring for a short time that adapts, then sleeps. */
export class BlockingWait {
  /** Times that the thread has slept. */
  sleeps = 0;
  #spins = FIRST_SPINS;
  readonly #bell: Bell;
  readonly #timers: Timers;

  constructor(bell: Bell, timers: Timers) {
    this.#bell = bell;
    this.#timers = timers;
  }

  /**
   * Block until `attempt` gives something.
   * @param attempt - only reads shared memory while it gives `undefined`
   * @returns what it gave; `undefined` when the time was up.
   */
  until<T>(attempt: () => T | undefined, { timeoutMs, spins }: BlockingOptions): T | undefined {
    const most = spins ?? this.#spins;
    const end = timeoutMs === undefined ? Number.POSITIVE_INFINITY : this.#timers.now() + timeoutMs;
    for (let spin = 0; spin < most; spin++) {
      const found = attempt();
      if (found !== undefined) {
        if (spin > 0) this.#spins = Math.min(MOST_SPINS, this.#spins * 2);
        return found;
      }
      if ((spin & 1_023) === 1_023 && this.#timers.now() >= end) return undefined;
    }
    this.#spins = Math.max(LEAST_SPINS, this.#spins >> 1);
    return this.#sleepUntil(attempt, end);
  }

  #sleepUntil<T>(attempt: () => T | undefined, end: number): T | undefined {
    for (;;) {
      const epoch = this.#bell.announce();
      const found = attempt();
      if (found !== undefined) return found;
      const left = end - this.#timers.now();
      if (left <= 0) return undefined;
      this.sleeps++;
      this.#bell.sleep(epoch, Math.min(left, RECHECK_MS));
    }
  }
}

/** Looks before a thread that may not block goes back to its event loop: the most, and how often all of them are made. */
const MOST_LOOKS = 512;
const LEAST_LOOKS = 32;
const PROBE_EVERY = 32;
/** Looks in a row that may pay off before the event loop has its turn. */
const MOST_WINS = 64;

/**
 * Waits of one end that do not block: attempts in the order in which they were asked for. One promise of shared memory
 * or one doorbell wakes all of them; a timer looks every 50 ms besides, and keeps the thread alive.
 *
 * The way through the event loop takes longer than many an answer. So a wait begins with a few looks at the ring, some
 * 40 us at most: as many as have paid off lately, and now and then all of them to see whether they would.
 */
export class AsyncWait {
  /** Times that somebody had to wait for the bell. */
  sleeps = 0;
  #looks = MOST_LOOKS;
  #waits = 0;
  #wins = 0;
  readonly #bell: Bell;
  readonly #timers: Timers;
  readonly #byDoorbell: boolean;
  /** Each says whether it is done; none throws. */
  readonly #attempts: (() => boolean)[] = [];
  #isPumping = false;
  #isArmed = false;
  #timer: unknown;

  readonly #maySpin: boolean;

  /**
   * @param doorbell - what wakes this thread where it cannot sleep on shared memory
   * @param maySpin - whether attempts end, so that it pays to make one again at once
   */
  constructor(bell: Bell, timers: Timers, doorbell: Doorbell | undefined, maySpin = false) {
    this.#maySpin = maySpin;
    this.#bell = bell;
    this.#timers = timers;
    this.#byDoorbell = doorbell !== undefined;
    doorbell?.hear(this.pump);
  }

  /** How many wait. */
  get length(): number {
    return this.#attempts.length;
  }

  /** Make an attempt when those before it are done: now, and whenever the bell has rung, until it says true. */
  add(attempt: () => boolean): void {
    this.#attempts.push(attempt);
    if (this.#attempts.length > 1) return;
    if (this.#maySpin && !this.#isPumping && this.#spin(attempt)) this.#attempts.shift();
    this.pump();
  }

  /** Look for a short time. @returns whether the attempt is done. */
  #spin(attempt: () => boolean): boolean {
    if (this.#wins >= MOST_WINS) return false;
    const most = ++this.#waits % PROBE_EVERY === 0 ? MOST_LOOKS : this.#looks;
    for (let look = 0; look < most; look++) {
      if (!attempt()) continue;
      this.#wins++;
      if (look > 0) this.#looks = MOST_LOOKS;
      return true;
    }
    this.#looks = Math.max(LEAST_LOOKS, this.#looks >> 1);
    return false;
  }

  /** Take an attempt back. */
  remove(attempt: () => boolean): void {
    const at = this.#attempts.indexOf(attempt);
    if (at >= 0) this.#attempts.splice(at, 1);
    this.pump();
  }

  /** Look whether something can be done. */
  readonly pump = (): void => {
    if (this.#isPumping) return;
    this.#isPumping = true;
    this.#timers.cancel(this.#timer);
    this.#timer = undefined;
    do {
      while (this.#attempts[0]?.() === true) this.#attempts.shift();
    } while (this.#attempts.length > 0 && !this.#arm());
    this.#isPumping = false;
    const ms = this.#byDoorbell || waitAsync !== undefined ? RECHECK_MS : POLL_MS;
    if (this.#attempts.length > 0) this.#timer = this.#timers.schedule(this.pump, ms);
  };

  /** Ask to be woken, and look once more. @returns false when there was something to do. */
  #arm(): boolean {
    const epoch = this.#byDoorbell ? this.#bell.announceDoorbell() : this.#bell.announce();
    if (this.#attempts[0]?.() === true) {
      this.#attempts.shift();
      return false;
    }
    this.sleeps++;
    this.#wins = 0;
    // A promise that is not settled is for this epoch: another one would have settled it.
    if (this.#byDoorbell || this.#isArmed) return true;
    const woken = this.#bell.sleepAsync(epoch);
    if (woken === undefined) return false;
    this.#isArmed = true;
    woken.then(() => {
      this.#isArmed = false;
      this.pump();
    });
    return true;
  }
}
