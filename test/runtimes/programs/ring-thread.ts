// A worker of the web that sends back what it receives through rings, blocked while there is nothing to do.
import { openReceiver, openSender, struct } from "tideway/channels";

const numbers = struct({ number: "u32", half: "f64" });

globalThis.addEventListener("message", ({ data }: MessageEvent) => {
  const { there, back } = data as { readonly there: SharedArrayBuffer; readonly back: SharedArrayBuffer };
  const receiver = openReceiver(there, numbers);
  const sender = openSender(back, numbers);
  for (
    let batch = receiver.receiveBatchBlocking(50);
    batch.length > 0;
    batch = receiver.receiveBatchBlocking(50)
  ) {
    sender.sendBatchBlocking(batch);
  }
  sender.close();
});
