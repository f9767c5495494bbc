// A Worker that sends back what it receives through rings, blocked while there is nothing to do.
import { type LentChannel, openReceiver, openSender, struct } from "tideway/channels";

const numbers = struct({ number: "u32" });

globalThis.addEventListener("message", async ({ data }: MessageEvent) => {
  const { there, back, leaves } = data as {
    readonly there: SharedArrayBuffer | LentChannel;
    readonly back: SharedArrayBuffer | LentChannel;
    readonly leaves?: boolean;
  };
  const receiver = openReceiver(there, numbers);
  const sender = openSender(back, numbers);
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
