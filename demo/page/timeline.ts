import { byId, create } from "./dom.ts";
import { formatTime } from "./format.ts";

/** Events that stay in the page. */
const MAX_EVENTS = 20;

/** What happened to the connection, and the words for it. */
const TITLES = {
  connected: "Connected",
  cut: "Cut",
  lost: "Lost",
  resumed: "Resumed",
  afresh: "Started afresh",
  migrated: "Migrated",
  stayed: "Not moved",
  away: "Going away",
  closed: "Closed",
} as const;

/** What can happen to the connection. */
export type TimelineKind = keyof typeof TITLES;

/** The list of what happened to the connection, with the time since the page was opened; the last entry is in view. */
export class Timeline {
  readonly #list: HTMLElement = byId("timeline", HTMLElement);

  /** Add an event that happens now. */
  add(kind: TimelineKind, detail: string): void {
    const entry = create("li");
    entry.dataset["kind"] = kind;
    const text = create("span");
    text.append(create("b", TITLES[kind]), detail === "" ? "" : `: ${detail}`);
    entry.append(create("span", formatTime(performance.now()), "time"), " ", text);
    this.#list.append(entry);
    while (this.#list.childElementCount > MAX_EVENTS) this.#list.firstElementChild?.remove();
    this.#list.scrollTop = this.#list.scrollHeight;
  }
}
