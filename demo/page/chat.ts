import { CallError, type CallStream, type Client, type Session } from "tideway";
import type { api, ChatEvent } from "../contract.ts";
import { byId, create, setText } from "./dom.ts";
import { keepRunning } from "./session.ts";

/** Lines that stay in the page. */
const MAX_LINES = 200;

/** The chat panel: joins the room, and again when the session had to start afresh. */
export class ChatPanel {
  readonly #lines: HTMLElement = byId("lines", HTMLElement);
  readonly #input: HTMLInputElement = byId("line", HTMLInputElement);
  #call: CallStream<string, ChatEvent> | undefined;
  #waiting = false;
  /** Own lines that the room has not seen yet, as far as this page knows. */
  #unseen = 0;
  #name = "";

  constructor(session: Session, calls: Client<typeof api>) {
    byId("chat", HTMLElement).addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#say();
    });
    void keepRunning(session, () => this.#attend(calls));
  }

  async #attend(calls: Client<typeof api>): Promise<void> {
    try {
      this.#call = calls.chat.join();
      this.#refresh();
      for await (const event of this.#call) this.#show(event);
    } finally {
      this.#call = undefined;
      this.#refresh();
      setText("members", "");
      if (this.#unseen > 0) this.#add("The room may not have seen what you said last.", "warning");
      this.#unseen = 0;
      this.#add("You are out of the room until the server is back.", "note");
    }
  }

  /**
   * Send the line, when the server has credit for it; until then it stays in the field. While there is no connection,
   * the session keeps it.
   */
  async #say(): Promise<void> {
    const call = this.#call;
    const text = this.#input.value.trim();
    if (call === undefined || text === "") return;
    try {
      if (!call.trySend(text)) {
        this.#wait(true);
        await call.send(text);
      }
      this.#unseen++;
      this.#input.value = "";
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      this.#add("The line was not sent: the session was lost.", "warning");
    } finally {
      this.#wait(false);
      this.#input.focus();
    }
  }

  #wait(waiting: boolean): void {
    this.#waiting = waiting;
    this.#refresh();
  }

  #show(event: ChatEvent): void {
    switch (event.kind) {
      case "welcome":
        this.#name = event.name;
        this.#add(`You are in the room as ${event.name}.`, "note");
        return this.#showMembers(event.members);
      case "joined":
        this.#add(`${event.name} joined.`, "note");
        return this.#showMembers(event.members);
      case "left":
        this.#add(`${event.name} left.`, "note");
        return this.#showMembers(event.members);
      case "line":
        return this.#addLine(event.name, event.text);
      case "missed":
        return this.#add(`This page was too slow: ${event.events} events are missing here.`, "warning");
    }
  }

  #addLine(name: string, text: string): void {
    const own = name === this.#name;
    if (own) this.#unseen--;
    const line = create("li", "", own ? "own" : "");
    line.append(create("b", own ? "You" : name), text);
    this.#append(line);
  }

  #add(text: string, className: string): void {
    this.#append(create("li", text, className));
  }

  #append(line: HTMLElement): void {
    this.#lines.append(line);
    while (this.#lines.childElementCount > MAX_LINES) this.#lines.firstElementChild?.remove();
    this.#lines.scrollTop = this.#lines.scrollHeight;
  }

  #showMembers(members: number): void {
    setText("members", members === 1 ? "You are alone in the room." : `${members} in the room.`);
  }

  #refresh(): void {
    const ready = this.#call !== undefined && !this.#waiting;
    this.#input.disabled = !ready;
    byId("say", HTMLButtonElement).disabled = !ready;
  }
}
