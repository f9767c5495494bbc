// A Worker that sends back what it receives through rings, blocked while there is nothing to do.
import { openReceiver, openSender, struct } from "tideway/channels";

const numbers = struct({ number: "u32" });

globalThis.addEventListener("message", ({ data }: MessageEvent) => {
  const { there, back } = data as { readonly there: SharedArrayBuffer; readonly back: SharedArrayBuffer };
  const receiver = openReceiver(there, numbers);
  const sender = openSender(back, numbers);
  for (let got = receiver.receiveBlocking(); got !== undefined; got = receiver.receiveBlocking()) {
    sender.sendBlocking(got);
  }
  sender.close();
});
