import { type ChannelReceiver, type ChannelSender, openReceiver, openSender } from "tideway/channels";
import {
  BATCH,
  formatOf,
  isSending,
  type KillState,
  type Numbered,
  numbered,
  type VictimJob,
} from "./job.ts";

/** Counts the atomic steps and the messages of an operation, and calls `reached` in front of the one that is asked for. */
export class Stopper {
  steps = 0;
  messages = 0;
  #isArmed = false;
  readonly #stop: KillState["stop"];
  readonly #reached: () => void;

  constructor(stop: KillState["stop"], reached: () => void) {
    this.#stop = stop;
    this.#reached = reached;
  }

  /** Count from here on. */
  arm(): void {
    this.#isArmed = true;
  }

  /** Stand still, in the operation itself. */
  readonly onLease = (): void => {
    if (this.#stop.at === "lease") this.#reached();
  };

  readonly onMessage = (): void => {
    if (!this.#isArmed) return;
    if (this.#stop.at === "message" && this.messages === this.#stop.message) this.#reached();
    this.messages++;
  };

  #isAt(name: string): boolean {
    const stop = this.#stop;
    return (stop.at === "step" && this.steps === stop.step) || (stop.at === "call" && name === stop.name);
  }

  /** `Atomics` that are counted. */
  wrap(real: typeof Atomics): typeof Atomics {
    return new Proxy(real, {
      get: (target, name) => {
        const method = Reflect.get(target, name) as (...given: unknown[]) => unknown;
        return (...given: unknown[]) => {
          if (this.#isArmed) {
            if (this.#isAt(String(name))) this.#reached();
            this.steps++;
          }
          return method(...given);
        };
      },
    });
  }
}

/** Open an end and do one operation with it, in this thread. */
export async function operate(
  { state, channel, before }: Omit<VictimJob, "signal" | "role">,
  stopper: Stopper,
): Promise<void> {
  const format = formatOf(state.style, { onWrite: stopper.onMessage, onRead: stopper.onMessage });
  if (isSending(state.operation)) {
    const sender = openSender<Numbered>(channel, format);
    for (let number = 0; number < before; number++) {
      while (!sender.trySend(numbered(number))) rest();
    }
    await send(sender, state, before, stopper);
    return;
  }
  const receiver = openReceiver<Numbered>(channel, format);
  const isSleeper = state.stop.at === "asleep" || state.stop.at === "call";
  while (!isSleeper && receiver.stats().depth < receiver.stats().capacity / 2) rest();
  await receive(receiver, state, stopper);
}

const never = new Int32Array(new SharedArrayBuffer(4));
function rest(): void {
  Atomics.wait(never, 0, 0, 1);
}

async function send(
  sender: ChannelSender<Numbered>,
  { operation }: KillState,
  from: number,
  stopper: Stopper,
): Promise<void> {
  stopper.arm();
  if (operation === "trySend") sender.trySend(numbered(from));
  else if (operation === "trySendBatch") {
    sender.trySendBatch(Array.from({ length: BATCH }, (_, i) => numbered(from + i)));
  } else if (operation === "sendLease") leaseOut(sender, from, stopper);
  else if (operation === "sendBlocking") for (let next = from; ; next++) sender.sendBlocking(numbered(next));
  else for (let next = from; ; next++) await sender.send(numbered(next));
}

function leaseOut(sender: ChannelSender<Numbered>, from: number, stopper: Stopper): void {
  using lease = sender.tryLease(BATCH);
  if (lease === undefined) throw new Error("No room for a lease");
  for (let i = 0; i < lease.count; i++) {
    const { number, canary } = numbered(from + i);
    const at = (lease.at + i * lease.stride) >> 2;
    lease.memory.u32[at] = number;
    if (i === 1) stopper.onLease();
    lease.memory.u32[at + 1] = canary;
  }
  lease.send();
}

async function receive(
  receiver: ChannelReceiver<Numbered>,
  { operation }: KillState,
  stopper: Stopper,
): Promise<void> {
  stopper.arm();
  if (operation === "tryReceive") receiver.tryReceive();
  else if (operation === "tryReceiveBatch") receiver.tryReceiveBatch(BATCH);
  else if (operation === "receiveLease") {
    using lease = receiver.tryLease(BATCH);
    if (lease === undefined) throw new Error("No lease");
    lease.bytes(0);
    stopper.onLease();
  } else if (operation === "receiveBlocking") for (;;) receiver.receiveBlocking();
  else for (;;) await receiver.receive();
}
