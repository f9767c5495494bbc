import { StreamError } from "../errors.ts";
import { NEVER } from "../time.ts";
import type { Mux } from "./mux.ts";
import { type Stream, WAITS } from "./stream.ts";

/** Gives up the streams of a session that do not move in time: messages without an end, and readers that read nothing. */
export class StallWatch {
  readonly #mux: Mux;
  #checkedAt = 0;

  constructor(mux: Mux) {
    this.#mux = mux;
  }

  /** The time that has passed until now counts for nobody: there was no connection, or this process was asleep. */
  restart(): void {
    const { assembly, now, table } = this.#mux;
    this.#checkedAt = now;
    assembly.restart(now);
    for (const stream of table.values()) stream.progressAt = now;
  }

  get #nextCheck(): number {
    return this.#checkedAt + this.#mux.limits.stallMs / 4;
  }

  /** When {@link handleTimeout} has something to do at the earliest, ms; infinite for never. */
  get deadline(): number {
    const { assembly, outbox } = this.#mux;
    const stall = outbox.queuedBytes > 0 ? this.#nextCheck : NEVER;
    return Math.min(stall, assembly.deadline);
  }

  /** Give up what does not move in time. */
  handleTimeout(now: number): void {
    this.#dropLate(now);
    if (now < this.#nextCheck) return;
    this.#checkedAt = now;
    this.#dropStalled(now);
  }

  /** Give up a message that does not come to its end in time. */
  #dropLate(now: number): void {
    const mux = this.#mux;
    const late = mux.assembly.late(now);
    if (late === undefined) return;
    const message = `Message did not arrive whole in ${mux.limits.assemblyMs} ms`;
    mux.stopStream(late, new StreamError("ERR_TIMEOUT", message));
    mux.emitReadable(late);
  }

  /**
   * Reset the streams whose reader has given no credit for too long. A stream may wait for others, which is not the
   * fault of its reader: in the middle of a message for an older one, since the peer lends to the oldest only, or for
   * credit of the session. Then the stream that holds most of that is to blame, when its reader takes nothing either.
   */
  #dropStalled(now: number): void {
    const { limits, outbox, table } = this.#mux;
    let waits = false;
    let holder: Stream | undefined;
    let mostHeld = 0;
    for (const stream of table.values()) {
      const { send } = stream;
      if (stream.progressAt === WAITS) stream.progressAt = now;
      if (send.closed || now - stream.progressAt < limits.stallMs) continue;
      if (send.starved) {
        if (send.partAt < 0 || stream === outbox.oldestPart) this.#giveUp(stream);
        else stream.progressAt = now;
        continue;
      }
      if (send.unsent > 0) waits = true;
      const held = send.sent - send.acked;
      if (held > mostHeld) [holder, mostHeld] = [stream, held];
    }
    if (waits && outbox.starved && holder !== undefined) this.#giveUp(holder);
  }

  #giveUp(stream: Stream): void {
    const message = `Peer did not read for ${this.#mux.limits.stallMs} ms`;
    this.#mux.giveUp(stream, new StreamError("ERR_SLOW_CONSUMER", message));
  }
}
