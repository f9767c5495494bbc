import { type Incoming, StreamError } from "tideway/workers";
import type { RoomEvent } from "./contract.ts";

/** Events that wait for a slow member. Workers cannot tell what a socket holds: this, and credit, bound memory. */
const MOST_WAITING = 256;

/** Those who are in, and what waits for each. */
export class Room {
  readonly #members: Set<Member> = new Set();

  /** Let a member in. @returns what it hears, until it leaves. */
  async *join(name: string, lines: Incoming<string>): AsyncGenerator<RoomEvent> {
    const member = new Member();
    this.#members.add(member);
    member.push({ kind: "welcome", members: this.#members.size });
    const leave = () => member.end();
    this.#relay(name, lines).then(leave, leave);
    try {
      yield* member.events();
    } finally {
      this.#members.delete(member);
    }
  }

  async #relay(name: string, lines: Incoming<string>): Promise<void> {
    for await (const text of lines)
      for (const member of this.#members) member.push({ kind: "line", from: name, text });
  }
}

class Member {
  readonly #waiting: RoomEvent[] = [];
  #ended = false;
  #failed = false;
  #wake: () => void = () => {};

  push(event: RoomEvent): void {
    if (this.#waiting.length >= MOST_WAITING) this.#failed = true;
    else this.#waiting.push(event);
    this.#wake();
  }

  end(): void {
    this.#ended = true;
    this.#wake();
  }

  async *events(): AsyncGenerator<RoomEvent> {
    for (;;) {
      if (this.#failed) throw new StreamError("ERR_SLOW_CONSUMER", "Member reads too slowly");
      const event = this.#waiting.shift();
      if (event !== undefined) yield event;
      else if (this.#ended) return;
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
  }
}
