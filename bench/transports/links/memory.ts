import type { Bytes } from "tideway";
import { ignore, type Link } from "./link.ts";

const SOON: Promise<void> = Promise.resolve();

/** A queue between two functions of one thread: one microtask hands over what was written before it. */
export class MemoryLink implements Link {
  readonly peer = "a queue";
  onData: Link["onData"] = ignore;
  readonly #other: MemoryLink;
  #arrived: Bytes[] = [];
  #arrivedBytes = 0;
  #onTaken: (() => void) | undefined;

  /** Without `other`, the other end is made too. */
  constructor(other?: MemoryLink) {
    this.#other = other ?? new MemoryLink(this);
  }

  /** The other end. */
  get other(): MemoryLink {
    return this.#other;
  }

  get bufferedBytes(): number {
    return this.#other.#arrivedBytes;
  }

  write(message: Bytes): void {
    const other = this.#other;
    if (other.#arrived.length === 0) SOON.then(other.#deliver);
    other.#arrived.push(message);
    other.#arrivedBytes += message.length;
  }

  writeOut(message: Bytes): Promise<unknown> {
    return new Promise<void>((resolve) => {
      this.#other.#onTaken = resolve;
      this.write(message);
    });
  }

  readonly #deliver = (): void => {
    const arrived = this.#arrived;
    this.#arrived = [];
    this.#arrivedBytes = 0;
    for (const message of arrived) this.onData(message);
    this.#onTaken?.();
    this.#onTaken = undefined;
  };

  close(): void {}
}
