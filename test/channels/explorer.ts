/**
 * A small exhaustive explorer of interleavings: runs the code of the rings itself, with `Atomics` replaced, and takes
 * every order in which the steps of its threads can come. A step is one access to shared memory, atomic or not.
 *
 * JavaScript cannot be suspended inside a function, so a thread is run again from its beginning for each of its steps:
 * what its earlier steps gave is repeated from a log, and the first step behind the log is made for real.
 */

/** What a thread does with the memory; it must do the same again when its steps give the same. */
export type ThreadProgram<R> = (words: Int32Array) => R;

/** How an exploration is made. */
export interface Exploration<R> {
  /** The memory before the first step. */
  readonly memory: Int32Array;
  readonly threads: readonly ThreadProgram<R>[];
  /** Called with the memory and what the threads returned, at the end of every order. Throws when it is wrong. */
  readonly check: (memory: Int32Array, results: readonly R[]) => void;
  /** Make the compare-and-swap store always: to see that the exploration notices. */
  readonly brokenCompareExchange?: boolean;
  /** More states than this are an error. */
  readonly mostStates?: number;
}

/** What was explored. */
export interface Explored {
  /** States, each a memory and the places of all threads. */
  readonly states: number;
  /** States in which all threads were done, and were checked. */
  readonly ends: number;
}

interface Thread {
  readonly log: readonly unknown[];
  /** Number of the log: where the thread is. */
  readonly place: number;
  readonly isDone: boolean;
  /** The word that it sleeps on. */
  readonly sleepsOn: number | undefined;
}

interface State {
  readonly memory: Int32Array;
  readonly threads: readonly Thread[];
}

const SUSPENDED: unique symbol = Symbol("suspended");
const ASLEEP: unique symbol = Symbol("asleep");
type Step = () => unknown;

/**
 * Take every order of steps.
 * @throws {Error} when an end is wrong, or when threads sleep that nobody will wake.
 */
export function explore<R>(exploration: Exploration<R>): Explored {
  const runner = new Runner(exploration);
  const fresh: Thread = { log: [], place: 0, isDone: false, sleepsOn: undefined };
  const stack: State[] = [
    { memory: exploration.memory.slice(), threads: exploration.threads.map(() => fresh) },
  ];
  const seen = new Set<string>();
  let ends = 0;
  const real = Atomics;
  try {
    globalThis.Atomics = runner.atomics;
    for (let state = stack.pop(); state !== undefined; state = stack.pop()) {
      const key = runner.keyOf(state);
      if (seen.has(key)) continue;
      seen.add(key);
      if (seen.size > (exploration.mostStates ?? 3_000_000)) throw new Error("Too many states");
      if (state.threads.every(({ isDone }) => isDone)) {
        ends++;
        runner.finish(state, real);
        continue;
      }
      const enabled = state.threads.flatMap(({ isDone, sleepsOn }, index) =>
        isDone || sleepsOn !== undefined ? [] : [index],
      );
      if (enabled.length === 0) throw new Error(`Threads sleep for ever:\n${describe(state)}`);
      for (const index of enabled) stack.push(runner.step(state, index));
    }
  } finally {
    globalThis.Atomics = real;
  }
  return { states: seen.size, ends };
}

function describe({ threads }: State): string {
  return threads
    .map(({ log, isDone }, index) => `${index}${isDone ? " done" : ""}: ${log.map(String)}`)
    .join("\n");
}

/** Runs one thread up to its next step. */
class Runner<R> {
  readonly atomics: typeof Atomics;
  readonly #exploration: Exploration<R>;
  readonly #words: Int32Array;
  #memory: Int32Array = new Int32Array();
  #threads: Thread[] = [];
  #current = 0;
  #log: unknown[] = [];
  #at = 0;
  #isSuspended = false;
  /** Words that were ever written: the others are as they were. */
  readonly #written = new Set<number>();
  readonly #places = new Map<string, number>();

  constructor(exploration: Exploration<R>) {
    this.#exploration = exploration;
    this.#words = new Proxy(exploration.memory, {
      get: (target, name) => {
        const index = typeof name === "string" ? Number(name) : Number.NaN;
        if (!Number.isInteger(index)) return Reflect.get(target, name, target);
        return this.#do(() => this.#memory[index]);
      },
      set: (_target, name, value) => {
        this.#do(() => {
          this.#written.add(Number(name));
          this.#memory[Number(name)] = value as number;
        });
        return true;
      },
    });
    this.atomics = this.#fakeAtomics();
  }

  /** Name of a state. */
  keyOf({ memory, threads }: State): string {
    let key = "";
    for (const index of this.#written) key += `${memory[index]},`;
    for (const { place, sleepsOn } of threads) key += `;${place}${sleepsOn === undefined ? "" : "s"}`;
    return key;
  }

  #placeAfter(place: number, steps: readonly unknown[]): number {
    const name = `${place}>${steps.map(String)}`;
    const known = this.#places.get(name);
    if (known !== undefined) return known;
    this.#places.set(name, this.#places.size + 1);
    return this.#places.size;
  }

  /** The state after the next step of a thread. */
  step(state: State, index: number): State {
    this.#memory = state.memory.slice();
    this.#threads = [...state.threads];
    this.#current = index;
    const before = state.threads[index] as Thread;
    this.#log = [...before.log];
    const isDone = this.#run(index, before.log.length + 1).isDone;
    const slept = this.#log.at(-1) === ASLEEP;
    this.#threads[index] = {
      log: this.#log,
      place: this.#placeAfter(before.place, this.#log.slice(before.log.length)),
      isDone,
      sleepsOn: slept ? (this.#threads[index] as Thread).sleepsOn : undefined,
    };
    return { memory: this.#memory, threads: this.#threads };
  }

  /** Check an end. */
  finish(state: State, real: typeof Atomics): void {
    this.#memory = state.memory.slice();
    const results = state.threads.map(({ log }, index) => {
      this.#log = [...log];
      return this.#run(index, log.length).result as R;
    });
    try {
      globalThis.Atomics = real;
      this.#exploration.check(this.#memory, results);
    } catch (error) {
      throw new Error(`Wrong end:\n${describe(state)}`, { cause: error });
    } finally {
      globalThis.Atomics = this.atomics;
    }
  }

  #run(index: number, most: number): { readonly isDone: boolean; readonly result?: R } {
    this.#at = 0;
    this.#isSuspended = false;
    this.#most = most;
    try {
      const program = this.#exploration.threads[index] as ThreadProgram<R>;
      return { isDone: true, result: program(this.#words) };
    } catch (error) {
      if (error !== SUSPENDED) throw error;
      return { isDone: false };
    }
  }

  #most = 0;

  /** Repeat a step, make it, or stop in front of it. */
  #do<T>(step: () => T): T {
    if (this.#isSuspended || this.#at === this.#most) {
      this.#isSuspended = true;
      throw SUSPENDED;
    }
    if (this.#at === this.#log.length) this.#log.push(step());
    const given = this.#log[this.#at++];
    if (given === ASLEEP) {
      this.#isSuspended = true;
      throw SUSPENDED;
    }
    return given as T;
  }

  #fakeAtomics(): typeof Atomics {
    const change = (index: number, make: (before: number) => number) =>
      this.#do(() => {
        const before = this.#memory[index] as number;
        this.#written.add(index);
        this.#memory[index] = make(before);
        return before;
      });
    const { brokenCompareExchange = false } = this.#exploration;
    const fake = {
      load: (_: unknown, index: number) => this.#do(() => this.#memory[index] as number),
      store: (_: unknown, index: number, value: number) => {
        change(index, () => value);
        return value;
      },
      exchange: (_: unknown, index: number, value: number) => change(index, () => value),
      add: (_: unknown, index: number, value: number) => change(index, (before) => before + value),
      sub: (_: unknown, index: number, value: number) => change(index, (before) => before - value),
      or: (_: unknown, index: number, value: number) => change(index, (before) => before | value),
      compareExchange: (_: unknown, index: number, expected: number, value: number) => {
        const before = change(index, (is) => (is === expected || brokenCompareExchange ? value : is));
        return brokenCompareExchange ? expected : before;
      },
      wait: (_: unknown, index: number, expected: number) => this.#do(this.#sleep(index, expected)),
      notify: (_: unknown, index: number) => this.#do(() => this.#wake(index)),
    };
    return fake as unknown as typeof Atomics;
  }

  /** Sleeping has no end but being woken: a lost wake is a thread that sleeps for ever. */
  #sleep(index: number, expected: number): Step {
    return () => {
      if (this.#memory[index] !== expected) return "not-equal";
      const thread = this.#threads[this.#current] as Thread;
      this.#threads[this.#current] = { ...thread, sleepsOn: index };
      return ASLEEP;
    };
  }

  #wake(index: number): number {
    let woken = 0;
    for (const [at, thread] of this.#threads.entries()) {
      if (thread.sleepsOn !== index) continue;
      woken++;
      this.#threads[at] = {
        ...thread,
        log: [...thread.log.slice(0, -1), "ok"],
        place: this.#placeAfter(thread.place, ["ok"]),
        sleepsOn: undefined,
      };
    }
    return woken;
  }
}
