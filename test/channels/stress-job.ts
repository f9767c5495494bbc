import { type CodedFormat, coded, type FixedFormat, struct } from "tideway/channels";

/** A message: who sent it, which of its it is, and a number that only this one has. */
export interface Marked {
  readonly sender: number;
  readonly number: number;
  readonly canary: number;
}

/** The canary of a message. */
export function canaryOf(sender: number, number: number): number {
  return (Math.imul(number + 1, 0x9e37_79b1) ^ Math.imul(sender + 1, 0x85eb_ca6b)) >>> 0;
}

/** A message in 8 bytes, and behind them as many as its number says, all with a value of its own. */
const marked = {
  name: "marked",
  encode({ sender, number, canary }: Marked): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(12 + (canary % 90)).fill(canary & 0xff);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, sender);
    view.setUint32(4, number);
    view.setUint32(8, canary);
    return bytes;
  },
  decode(bytes: Uint8Array<ArrayBuffer>): Marked {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const canary = view.getUint32(8);
    const isWhole =
      bytes.length === 12 + (canary % 90) && bytes.subarray(12).every((byte) => byte === (canary & 0xff));
    return { sender: view.getUint32(0), number: view.getUint32(4), canary: isWhole ? canary : -1 };
  },
};

/** The formats that are run. */
export const FORMATS: { readonly struct: FixedFormat<Marked>; readonly coded: CodedFormat<Marked> } = {
  struct: struct({ sender: "u32", number: "u32", canary: "u32" }),
  coded: coded(marked, 102),
};

/** What a thread does. */
export interface StressJob {
  readonly role: "send" | "receive";
  readonly id: number;
  readonly memory: SharedArrayBuffer;
  readonly style: keyof typeof FORMATS;
  /** Messages of a batch, at most. */
  readonly most: number;
  /** Messages of each sender. */
  readonly count: number;
  readonly seed: number;
}

/** What a thread has seen, by sender. */
export interface StressReport {
  readonly counts: readonly number[];
  readonly sums: readonly number[];
  readonly problems: string[];
}
