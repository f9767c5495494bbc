import type { MessagePort } from "node:worker_threads";
import type { Bytes } from "tideway";
import { HIGH_WATER_BYTES, ignore, type Link } from "./link.ts";

/** A message from this length on is copied once and changes its owner, which costs less than to clone it. */
const TRANSFER_BYTES = 1_024;
/** After so many bytes the sender is told that they were taken: a port has no backpressure of its own. */
const TELL_BYTES = 128 * 1024;

/** `MessagePort` alone, with the least that keeps a fast sender from filling the memory. */
export class PortLink implements Link {
  readonly peer = "MessagePort";
  onData: Link["onData"] = ignore;
  bufferedBytes = 0;
  readonly #port: MessagePort;
  #untold = 0;
  #onTaken: (() => void) | undefined;

  constructor(port: MessagePort) {
    this.#port = port;
    port.on("message", (data: Uint8Array | number) => {
      if (typeof data === "number") this.#taken(data);
      else this.#take(data);
    });
  }

  #take(data: Uint8Array): void {
    this.#untold += data.length;
    if (this.#untold >= TELL_BYTES) {
      this.#port.postMessage(this.#untold);
      this.#untold = 0;
    }
    this.onData(data);
  }

  #taken(bytes: number): void {
    this.bufferedBytes -= bytes;
    this.#onTaken?.();
  }

  write(message: Bytes): void {
    this.bufferedBytes += message.length;
    if (message.length < TRANSFER_BYTES) return this.#port.postMessage(message);
    const own = message.slice();
    this.#port.postMessage(own, [own.buffer]);
  }

  writeOut(message: Bytes): Promise<unknown> {
    this.write(message);
    return new Promise<void>((resolve) => {
      this.#onTaken = () => {
        if (this.bufferedBytes > HIGH_WATER_BYTES / 2) return;
        this.#onTaken = undefined;
        resolve();
      };
    });
  }

  close(): void {
    this.#port.close();
  }
}
