import type { Bytes, MessageStream } from "tideway";
import { Tally } from "./messages.ts";

/** Send `count` messages of the pool in turn, as fast as the peer takes them. */
export async function sendAll(stream: MessageStream, pool: readonly Bytes[], count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const message = pool[i % pool.length]!;
    while (!stream.trySend(message)) await stream.ready();
  }
}

/** Hear every message of a stream. @returns the tally, when the last one is there. */
export function tallyAll(stream: MessageStream): Promise<Tally> {
  return new Promise((resolve, reject) => {
    const tally = new Tally();
    stream.listen(
      (message) => tally.add(message),
      (error) => (error === undefined ? resolve(tally) : reject(error)),
      { borrow: true },
    );
  });
}
