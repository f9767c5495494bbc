import type { Bytes } from "tideway";
import type { WebTransportLane } from "../../../src/transports/webtransport.ts";
import { ignore, type Link } from "./link.ts";

/** One bidirectional stream of WebTransport alone. */
export class WebStreamLink implements Link {
  readonly peer = "WebTransport stream";
  onData: Link["onData"] = ignore;
  bufferedBytes = 0;
  readonly #writer: ReturnType<WebTransportLane["writable"]["getWriter"]>;
  readonly #onClose: () => void;

  constructor(lane: WebTransportLane, onClose: () => void) {
    this.#writer = lane.writable.getWriter();
    this.#onClose = onClose;
    this.#read(lane).catch(() => {}); // the session is over
  }

  async #read(lane: WebTransportLane): Promise<void> {
    const reader = lane.readable.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done || value === undefined) return;
      this.onData(value);
    }
  }

  write(message: Bytes): void {
    this.writeOut(message).catch(() => {});
  }

  writeOut(message: Bytes): Promise<unknown> {
    this.bufferedBytes += message.length;
    return this.#writer.write(message).then(() => {
      this.bufferedBytes -= message.length;
    });
  }

  close(): void {
    this.#onClose();
  }
}
