// A Worker that sends back what it receives through rings, blocked while there is nothing to do.
import { type LentChannel, openReceiver, openSender, struct } from "tideway/channels";

const numbers = struct({ number: "u32" });

globalThis.addEventListener("message", async ({ data }: MessageEvent) => {
  const { there, back, leaves, leavesAtOnce } = data as {
    readonly there: SharedArrayBuffer | LentChannel;
    readonly back: SharedArrayBuffer | LentChannel;
    readonly leaves?: boolean;
    readonly leavesAtOnce?: boolean;
  };
  const receiver = openReceiver(there, numbers);
  const sender = openSender(back, numbers);
  if (leavesAtOnce) {
    await sender.send({ number: 1 });
    return whenLocked("lock" in back ? back.lock : undefined, () => globalThis.close());
  }
  if (leaves) {
    for (let got = await receiver.receive(); got?.number !== 0; got = await receiver.receive())
      await sender.send(got as { number: number });
    return globalThis.close();
  }
  for (let got = receiver.receiveBlocking(); got !== undefined; got = receiver.receiveBlocking()) {
    sender.sendBlocking(got);
  }
  sender.close();
});

/** Call `run` as soon as somebody holds a lock. */
function whenLocked(name: string | undefined, run: () => void): void {
  const channel = new MessageChannel(); // a turn that takes no time
  channel.port1.onmessage = async () => {
    const { held = [] } = await navigator.locks.query();
    if (held.some((lock) => lock.name === name)) run();
    else channel.port2.postMessage(0);
  };
  channel.port2.postMessage(0);
}
