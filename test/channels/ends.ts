import { json } from "../../src/index.ts";
import {
  type ChannelKind,
  type ChannelOptions,
  coded,
  createChannel,
  openReceiver,
  openSender,
  struct,
} from "../../src/threads/channels.ts";

/** Every kind of channel. */
export const KINDS: readonly ChannelKind[] = ["spsc", "mpsc", "mpmc"];
/** A format of fixed size, for {@link message}. */
export const numbers = struct({ number: "u32", check: "f64" });
/** A format of any JSON up to 64 bytes. */
export const words = coded<unknown>(json, 64);

/** A message by its number, and what its number says of it. */
export interface Numbered {
  readonly number: number;
  readonly check: number;
}

/** The message of that number. */
export const message = (number: number): Numbered => ({ number, check: number * 1.5 });

/** A channel with one end of each side in this thread. */
export function openEnds<T>(options: ChannelOptions<T>) {
  const buffer = createChannel(options);
  return {
    buffer,
    sender: openSender(buffer, options.format),
    receiver: openReceiver(buffer, options.format),
  };
}
