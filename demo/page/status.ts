import type { Session, SessionState } from "tideway";
import { byId, setText } from "./dom.ts";

const COUNTDOWN_MS = 100;

/** The badge and the line under the header: where the session stands, in words. */
export class StatusLine {
  #retryAt: number | undefined;
  #attempts = 0;
  #countdown: ReturnType<typeof setInterval> | undefined;

  /** The server was not reached yet. */
  notReached(retryInMs: number): void {
    this.#attempts++;
    this.#show("connecting", "Connecting", "Cannot reach the server");
    this.#countDown(retryInMs);
  }

  /** Follow a session from now on. */
  follow(session: Session): void {
    this.#opened();
    session.addEventListener("statechange", (event) => {
      const { state, error, retryInMs } = event;
      if (state === "open") this.#opened();
      else if (state === "closed") this.#closed(error?.message);
      else this.#lost(state, retryInMs);
    });
  }

  #opened(): void {
    this.#attempts = 0;
    this.#countDown(undefined);
    this.#show("open", "Open", "Everything on this page shares one session over one connection.");
  }

  #lost(state: "connecting" | "resuming", retryInMs: number): void {
    if (retryInMs > 0) this.#attempts++;
    this.#show(state, state === "resuming" ? "Resuming" : "Reconnecting", "Connection lost");
    this.#countDown(retryInMs);
  }

  #closed(reason = "it was closed in order"): void {
    this.#countDown(undefined);
    this.#show("closed", "Closed", `The session is over: ${reason}. Reload the page to begin another one.`);
  }

  #show(state: SessionState, badge: string, text: string): void {
    document.body.dataset["state"] = state;
    setText("state", badge);
    setText("notice-text", text);
  }

  #countDown(retryInMs: number | undefined): void {
    clearInterval(this.#countdown);
    this.#retryAt = retryInMs === undefined ? undefined : performance.now() + retryInMs;
    if (retryInMs !== undefined) this.#countdown = setInterval(() => this.#tick(), COUNTDOWN_MS);
    this.#tick();
  }

  /** Not announced by screen readers, which would never stop. */
  #tick(): void {
    const element = byId("notice-countdown", HTMLElement);
    if (this.#retryAt === undefined) {
      element.textContent = "";
      return;
    }
    const leftMs = this.#retryAt - performance.now();
    const when = leftMs > 0 ? `retrying in ${(leftMs / 1_000).toFixed(1)} s` : "retrying now";
    element.textContent = `, ${when} (attempt ${Math.max(1, this.#attempts)})`;
  }
}
