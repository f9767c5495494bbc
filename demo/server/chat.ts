import type { Incoming } from "tideway";
import type { ChatEvent } from "../contract.ts";
import { Mailbox } from "./mailbox.ts";

/** Events that wait for a slow member before it begins to miss some. */
const MAILBOX_EVENTS = 64;

const BIRDS = [
  "Avocet",
  "Curlew",
  "Dunlin",
  "Eider",
  "Gannet",
  "Heron",
  "Kittiwake",
  "Osprey",
  "Plover",
  "Tern",
];

interface Member {
  readonly name: string;
  readonly mailbox: Mailbox<ChatEvent>;
}

/** One room. Whoever is slow misses events and is told how many; nobody waits for anybody. */
export class ChatRoom {
  readonly #members: Set<Member> = new Set();
  #joined = 0;

  /** Let a member in. @returns what it hears, until it leaves or `signal` is aborted. */
  async *join(lines: Incoming<string>, signal: AbortSignal): AsyncGenerator<ChatEvent> {
    const member: Member = { name: this.#nextName(), mailbox: new Mailbox(MAILBOX_EVENTS) };
    const { name, mailbox } = member;
    const leave = () => mailbox.close();
    signal.addEventListener("abort", leave, { once: true });
    this.#members.add(member);
    mailbox.post({ kind: "welcome", name, members: this.#members.size });
    this.#tell({ kind: "joined", name, members: this.#members.size }, member);
    try {
      this.#relay(lines, name).then(leave, leave);
      yield* mailbox.read((events) => ({ kind: "missed", events }));
    } finally {
      signal.removeEventListener("abort", leave);
      this.#members.delete(member);
      this.#tell({ kind: "left", name, members: this.#members.size });
    }
  }

  /** Lines of one member to everybody, to itself too: all see the same order. */
  async #relay(lines: Incoming<string>, name: string): Promise<void> {
    for await (const text of lines) this.#tell({ kind: "line", name, text });
  }

  #tell(event: ChatEvent, except?: Member): void {
    for (const member of this.#members) if (member !== except) member.mailbox.post(event);
  }

  #nextName(): string {
    const turn = this.#joined++;
    const round = Math.floor(turn / BIRDS.length);
    return `${BIRDS[turn % BIRDS.length]}${round === 0 ? "" : ` ${round + 1}`}`;
  }
}
