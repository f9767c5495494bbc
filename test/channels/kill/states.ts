import type { ChannelKind } from "tideway/channels";
import { openReceiver, openSender } from "tideway/channels";
import { lend } from "../../../src/channels/lent.ts";
import {
  BATCH,
  formatOf,
  isSending,
  type KillState,
  type Numbered,
  numbered,
  type Operation,
  type Stop,
  type Style,
} from "./job.ts";
import { makeChannel } from "./kills.ts";
import { operate, Stopper } from "./operate.ts";

/** Operations whose atomic steps are all taken. */
const STEPPED: readonly Operation[] = ["trySend", "trySendBatch", "tryReceive", "tryReceiveBatch"];
const BLOCKING: readonly Operation[] = ["sendBlocking", "receiveBlocking"];
const ASYNC: readonly Operation[] = ["send", "receive"];

/** All states in which a thread is ended: each step of each operation is found by doing it once. */
export async function statesOf(kind: ChannelKind, style: Style): Promise<KillState[]> {
  const states: KillState[] = [];
  const add = (operation: Operation, ...stops: readonly Stop[]) => {
    for (const stop of stops) states.push({ kind, style, operation, stop });
  };
  for (const operation of STEPPED) {
    const { steps, messages } = await countSteps(kind, style, operation);
    for (let step = 0; step < steps; step++) add(operation, { at: "step", step });
    for (let message = 0; message < messages; message += 2) add(operation, { at: "message", message });
  }
  if (style === "fixed") add("sendLease", { at: "lease" });
  add("receiveLease", { at: "lease" });
  for (const operation of BLOCKING) {
    add(operation, { at: "call", name: "or" }, { at: "call", name: "wait" }, { at: "asleep" });
  }
  for (const operation of ASYNC) add(operation, { at: "call", name: "or" }, { at: "asleep" });
  return states;
}

async function countSteps(kind: ChannelKind, style: Style, operation: Operation): Promise<Stopper> {
  const state: KillState = { kind, style, operation, stop: { at: "step", step: Number.POSITIVE_INFINITY } };
  const memory = makeChannel(state, 0);
  if (!isSending(operation)) {
    const sender = openSender<Numbered>(memory, formatOf(style));
    for (let number = 0; sender.trySend(numbered(number)); ) number++;
  } else openReceiver<Numbered>(memory, formatOf(style));
  const stopper = new Stopper(state.stop, () => {});
  const real = Atomics;
  globalThis.Atomics = stopper.wrap(real);
  try {
    await operate({ state, channel: lend(memory), before: 0 }, stopper);
  } finally {
    globalThis.Atomics = real;
  }
  if (stopper.messages === 0 || stopper.messages > BATCH)
    throw new Error(`${stopper.messages} messages in ${operation}`);
  return stopper;
}
