import { type ChannelKind, createChannel, lendChannel, openReceiver, openSender } from "tideway/channels";
import { Word } from "../../../src/channels/layout.ts";
import { sleep } from "../../sessions.ts";
import type { JobThread, ThreadHost } from "../threads/host.ts";
import {
  CAPACITY,
  type Fate,
  formatOf,
  isSending,
  type KillState,
  type LeaverJob,
  type Numbered,
  numbered,
  STOPPED,
  type SurvivorJob,
} from "./job.ts";

/** How long a thread may take to start, and how long those that live on to hear of its end, on a busy machine, ms. */
const START_MS = 120_000;
const HEAR_MS = 10_000;
/** Numbers of messages of a second sender begin here. */
const PARTNER = 500;

/** Ends threads in the middle of what they do with a channel, and sees what becomes of those that live on. */
export class KillThreads {
  readonly #host: ThreadHost;
  readonly #survivor: JobThread;

  constructor(host: ThreadHost) {
    this.#host = host;
    this.#survivor = host.start();
  }

  /**
   * End a thread in a state.
   * @param run - its number: who lives on is a blocked thread in even ones, this thread in odd ones
   * @returns whether it was stopped there: an operation may take fewer steps beside others.
   * @throws {Error} when somebody hangs, is not told, or has received what was not sent.
   */
  async run(state: KillState, run: number): Promise<boolean> {
    const memory = makeChannel(state, run);
    const worker = this.#victim(memory, state, run % 4);
    const isSleeper = state.stop.at === "asleep" || state.stop.at === "call";
    const live = () => this.#live(memory, state, run % 2 === 0);
    const begun = isSleeper ? undefined : live();
    const partner = new Partner(memory, state);
    const wasStopped = await worker.stopped;
    const ended = worker.terminate();
    const fate = begun ?? live();
    await ended;
    const told = await timely(fate, state);
    check(state, run % 4, told, partner.end());
    return wasStopped;
  }

  /** End a thread once in each state. @returns how often it was stopped there. */
  async runAll(states: readonly KillState[], run: number): Promise<number> {
    let stopped = 0;
    for (const [index, state] of states.entries()) if (await this.run(state, run + index)) stopped++;
    return stopped;
  }

  #victim(memory: SharedArrayBuffer, state: KillState, before: number) {
    const signal = new SharedArrayBuffer(8);
    // The channel is lent to the worker, so the worker must be there before its job.
    const thread = this.#host.start();
    const channel = lendChannel(memory, thread.worker);
    thread.post({ role: "victim", state, signal, before, channel });
    return { stopped: stopped(memory, state, signal), terminate: () => thread.terminate() };
  }

  /** Have a thread end by itself. @returns what this thread is told. */
  async leave(way: LeaverJob["way"]): Promise<Fate> {
    const memory = createChannel({ format: formatOf("fixed"), capacity: CAPACITY });
    const thread = this.#host.start();
    thread.post({ role: "leaver", channel: lendChannel(memory, thread.worker), way });
    return liveHere({ role: "survivor", side: "receive", style: "fixed", channel: memory });
  }

  /** Use the other side of the channel until the end of it is told. */
  #live(memory: SharedArrayBuffer, state: KillState, isThread: boolean): Promise<Fate> {
    const side = isSending(state.operation) ? "receive" : "send";
    const job: SurvivorJob = { role: "survivor", side, style: state.style, channel: memory };
    if (!isThread) return liveHere(job);
    return this.#survivor.run(job) as Promise<Fate>;
  }

  /** End what is left. */
  async close(): Promise<void> {
    await this.#survivor.terminate();
  }
}

/** Channels for each state: where there may be two on a side, the second is a {@link Partner}. */
export function makeChannel({ kind, style }: KillState, run: number): SharedArrayBuffer {
  const isBytes = kind === "spsc" && style === "coded";
  return createChannel({
    kind,
    format: formatOf(style),
    ...(isBytes ? { capacityBytes: 16 * CAPACITY } : { capacity: CAPACITY }),
    senders: kind === "spsc" ? 1 : 2,
    receivers: kind === "mpmc" ? 2 : 1,
    start: -run,
  });
}

/** Waits until the victim stands where it is to end. @returns false when its operation was over before. */
async function stopped(
  memory: SharedArrayBuffer,
  { operation, stop }: KillState,
  signal: SharedArrayBuffer,
): Promise<boolean> {
  const isAsleep = stop.at === "asleep";
  const words = new Int32Array(isAsleep ? memory : signal);
  const word = isSending(operation) ? Word.SENDERS_ASLEEP : Word.RECEIVERS_ASLEEP;
  const end = performance.now() + START_MS;
  for (;;) {
    const value = Atomics.load(words, isAsleep ? word : 0);
    if (value !== 0 && isAsleep) await sleep(2); // from its word to its sleep
    if (value !== 0) return isAsleep || value === STOPPED;
    if (performance.now() > end) throw new Error(`Not reached: ${operation}, ${JSON.stringify(stop)}`);
    await sleep(1);
  }
}

/** The other side in this thread, which never blocks. */
async function liveHere({ side, style, channel }: SurvivorJob): Promise<Fate> {
  const seen: Numbered[] = [];
  try {
    if (side === "receive") {
      for await (const message of openReceiver<Numbered>(channel, formatOf(style))) seen.push(message);
      return { seen, end: "end" };
    }
    const sender = openSender<Numbered>(channel, formatOf(style));
    for (let number = 0; ; number++) {
      await sender.send(numbered(number));
      if (number % CAPACITY === 0) await sleep(0); // the end of the worker is told by the event loop
    }
  } catch (error) {
    return { seen, end: codeOf(error) };
  }
}

/** A second end at the side of the victim, in this thread. */
class Partner {
  readonly #use: (() => Fate) | undefined;

  constructor(memory: SharedArrayBuffer, { kind, operation, style }: KillState) {
    if (isSending(operation)) {
      if (kind === "spsc") return;
      const sender = openSender<Numbered>(memory, formatOf(style));
      for (let i = 0; i < 3; i++) sender.trySend(numbered(PARTNER + i));
      this.#use = () => untilError([], () => sender.trySend(numbered(PARTNER + 3)));
    } else if (kind === "mpmc") {
      const receiver = openReceiver<Numbered>(memory, formatOf(style));
      const seen: Numbered[] = [];
      this.#use = () =>
        untilError(seen, () => {
          const message = receiver.tryReceive();
          if (message !== undefined) seen.push(message);
        });
    }
  }

  /** What this end is told. */
  end(): Fate | undefined {
    return this.#use?.();
  }
}

/** Repeats `use` until it throws; it must do so soon. */
function untilError(seen: Numbered[], use: () => void): Fate {
  try {
    for (let i = 0; i < 100; i++) use();
    return { seen, end: "nothing" };
  } catch (error) {
    return { seen, end: codeOf(error) };
  }
}

function codeOf(error: unknown): string {
  return String((error as { code?: unknown }).code ?? error);
}

async function timely(fate: Promise<Fate>, state: KillState): Promise<Fate> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`Hung: ${JSON.stringify(state)}`)), HEAR_MS);
  });
  try {
    return await Promise.race([fate, late]);
  } finally {
    clearTimeout(timer);
  }
}

function check(state: KillState, before: number, fate: Fate, partner: Fate | undefined): void {
  const wrong = (what: string) => new Error(`${what}: ${JSON.stringify({ state, before, fate, partner })}`);
  if (fate.end !== "ERR_PEER_GONE") throw wrong("Who lives on was not told");
  if (partner !== undefined && partner.end !== "ERR_PEER_GONE") throw wrong("The partner was not told");
  for (const { seen } of [fate, partner ?? fate]) {
    for (const [i, { number, canary }] of seen.entries()) {
      if (canary !== numbered(number).canary) throw wrong("A message is not whole");
      const last = seen.slice(0, i).findLast((other) => other.number < PARTNER === number < PARTNER);
      if (last !== undefined && number <= last.number) throw wrong("Messages are out of order");
    }
  }
  if (!isSending(state.operation)) return;
  const own = fate.seen.filter(({ number }) => number < PARTNER);
  const isWhole = own.every(({ number }, i) => number === i) && own.length >= before;
  if (!isWhole) throw wrong("Messages that were sent are missing");
}

/** Kinds of channels whose states there are. */
export const KINDS: readonly ChannelKind[] = ["spsc", "mpsc", "mpmc"];
