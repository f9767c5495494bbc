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

/** A message in 12 bytes, and behind them as many as its number says, all with a value of its own. */
const marked = {
  name: "marked",
  encode({ sender, number, canary }: Marked): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(12 + (canary % 90)).fill(canary & 0xff);
    writeWord(bytes, 0, sender);
    writeWord(bytes, 4, number);
    writeWord(bytes, 8, canary);
    return bytes;
  },
  decode(bytes: Uint8Array<ArrayBuffer>): Marked {
    const canary = readWord(bytes, 8);
    let isWhole = bytes.length === 12 + (canary % 90);
    for (let i = 12; i < bytes.length; i++) if (bytes[i] !== (canary & 0xff)) isWhole = false;
    return { sender: readWord(bytes, 0), number: readWord(bytes, 4), canary: isWhole ? canary : -1 };
  },
};

function writeWord(bytes: Uint8Array, at: number, value: number): void {
  for (let i = 0; i < 4; i++) bytes[at + i] = value >>> (8 * i);
}

function readWord(bytes: Uint8Array, at: number): number {
  let value = 0;
  for (let i = 0; i < 4; i++) value |= (bytes[at + i] as number) << (8 * i);
  return value >>> 0;
}

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
