import { openReceiver, openSender } from "tideway/channels";
import {
  type Fate,
  formatOf,
  type LeaverJob,
  type Numbered,
  numbered,
  OVER,
  STOPPED,
  type SurvivorJob,
  type VictimJob,
} from "./job.ts";
import { operate, Stopper } from "./operate.ts";

/** The test gives up long before, ms: it counts from the end of the victim. */
const PATIENCE_MS = 600_000;

/** Do an operation, and stand still where the thread is to be ended. */
export async function beVictim(job: VictimJob): Promise<void> {
  const real = Atomics;
  const signal = new Int32Array(job.signal);
  const stand = (): never => {
    real.store(signal, 0, STOPPED);
    for (;;) real.wait(signal, 1, 0);
  };
  const stopper = new Stopper(job.state.stop, stand);
  globalThis.Atomics = stopper.wrap(real);
  await operate(job, stopper);
  real.store(signal, 0, OVER);
}

/** Use the other side of the channel, blocked, until the end of it is told. */
export function survive({ side, style, channel }: SurvivorJob): Fate {
  const seen: Numbered[] = [];
  const format = formatOf(style);
  const timeout = { timeoutMs: PATIENCE_MS };
  try {
    if (side === "receive") {
      const receiver = openReceiver<Numbered>(channel, format);
      for (;;) {
        const message = receiver.receiveBlocking(timeout);
        if (message === undefined) return { seen, end: "end" };
        seen.push(message);
      }
    }
    const sender = openSender<Numbered>(channel, format);
    for (let number = 1_000; ; number++) sender.sendBlocking(numbered(number), timeout);
  } catch (error) {
    return { seen, end: String((error as { code?: unknown }).code ?? error) };
  }
}

/** End in a way. @param exit - ends this thread */
export function leave({ channel, way }: LeaverJob, exit: () => void): void {
  if (way === "opens nothing") return exit();
  const sender = openSender<Numbered>(channel, formatOf("fixed"));
  for (let number = 0; number < 3; number++) sender.trySend(numbered(number));
  if (way === "throws") throw new Error("It ends by this");
  if (way === "in order") sender.close();
  exit();
}
