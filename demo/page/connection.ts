import {
  type Client,
  type MigratedEvent,
  type ResumeOutcome,
  type Session,
  type StateChangeEvent,
  TransportError,
  WireError,
} from "tideway";
import type { api } from "../contract.ts";
import { byId } from "./dom.ts";
import { formatBytes, formatDuration } from "./format.ts";
import type { Routes, WebTransportName } from "./routes.ts";
import { Timeline } from "./timeline.ts";

/** Time to open the connection to move to, ms. */
const DIAL_MS = 5_000;

/** The connection panel: breaks the connection, moves the session to another one, and lists what became of it. */
export class ConnectionPanel {
  readonly #session: Session;
  readonly #calls: Client<typeof api>;
  readonly #routes: Routes;
  readonly #timeline: Timeline = new Timeline();
  /** Whether the button was pressed and the connection is not lost yet; who breaks it. */
  #cutting = false;
  #cutBy = "";
  /** Since when there is no connection. */
  #lostAt: number | undefined;
  /** Since when the session moves to another one. */
  #movingSince: number | undefined;
  /** What the session had sent again before. */
  #resentBytes = 0;

  /** @param routes - to the server, for connections to move to */
  constructor(session: Session, calls: Client<typeof api>, routes: Routes) {
    this.#session = session;
    this.#calls = calls;
    this.#routes = routes;
    byId("cut", HTMLElement).addEventListener("click", () => void this.#cut());
    byId("move", HTMLElement).addEventListener("click", () => void this.moveTo(this.#current));
    session.addEventListener("statechange", (event) => this.#changed(event));
    session.addEventListener("migrated", (event) => this.#migrated(event));
    session.addEventListener("goaway", ({ error }) => this.#timeline.add("away", error.message));
    this.#timeline.add("connected", `over ${session.stats().transport ?? "nothing"}`);
    this.#refresh();
  }

  /** Whether the session is on its way to another connection. */
  get moving(): boolean {
    return this.#movingSince !== undefined;
  }

  get #current(): WebTransportName {
    return this.#session.stats().transport === "webtransport" ? "webtransport" : "websocket";
  }

  /**
   * The server resets the socket that this call comes over, so the answer comes over the next one. A server that cannot
   * says so, and the page drops the connection: what is on its way to it is lost as well.
   */
  async #cut(): Promise<void> {
    this.#cutting = true;
    this.#cutBy = "the server has reset the socket";
    this.#refresh();
    try {
      if ((await this.#calls.cut()) > 0) return;
      this.#cutBy = "the page has dropped the connection";
      this.#session.link?.abandon(new TransportError(`Cannot continue: ${this.#cutBy}`));
    } catch (error) {
      if (!(error instanceof WireError)) throw error; // the timeline tells what happened instead
    } finally {
      this.#cutting = false;
      this.#refresh();
    }
  }

  /** Open another connection, and let the session go on there. The first one is closed when it has. */
  async moveTo(name: WebTransportName): Promise<void> {
    const dial = this.#routes.dials.get(name);
    if (dial === undefined || this.#movingSince !== undefined) return;
    this.#movingSince = performance.now();
    this.#refresh();
    try {
      const transport = await dial(AbortSignal.timeout(DIAL_MS));
      await this.#session.migrate(transport);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      this.#timeline.add("stayed", error.message);
    } finally {
      this.#movingSince = undefined;
      this.#refresh();
    }
  }

  #changed({ state, error, outcome }: StateChangeEvent): void {
    this.#refresh();
    switch (state) {
      case "connecting":
      case "resuming":
        if (error !== undefined) this.#lost(error);
        return;
      case "open":
        this.#opened(outcome);
        return;
      case "closed":
        this.#timeline.add("closed", error?.message ?? "in order");
        return;
    }
  }

  /** Told once for each loss, not for each attempt that fails. */
  #lost(error: WireError): void {
    if (this.#lostAt !== undefined) return;
    this.#lostAt = performance.now();
    if (this.#cutting) this.#timeline.add("cut", this.#cutBy);
    else this.#timeline.add("lost", error.message);
  }

  #opened(outcome: ResumeOutcome | undefined): void {
    const after = `after ${formatDuration(performance.now() - (this.#lostAt ?? performance.now()))}`;
    const resent = this.#sentAgain();
    this.#lostAt = undefined;
    if (outcome?.resumed === false) this.#timeline.add("afresh", `${outcome.reason}, ${after}`);
    else if (outcome?.reason === "resumed") this.#timeline.add("resumed", `${after}, ${resent}`);
  }

  #migrated({ from, to }: MigratedEvent): void {
    const since = this.#movingSince; // it also moves by itself, away from a connection where nothing comes back
    const time = since === undefined ? "" : ` in ${formatDuration(performance.now() - since)}`;
    this.#timeline.add("migrated", `${from ?? "nothing"} to ${to}${time}, ${this.#sentAgain()}`);
  }

  /** What was sent again since the last time that this was asked. */
  #sentAgain(): string {
    const { resentBytes } = this.#session.stats();
    const before = resentBytes < this.#resentBytes ? 0 : this.#resentBytes; // a fresh start counts from 0
    this.#resentBytes = resentBytes;
    return `${formatBytes(resentBytes - before)} sent again`;
  }

  #refresh(): void {
    const ready = this.#session.state === "open" && !this.#cutting && this.#movingSince === undefined;
    byId("cut", HTMLButtonElement).disabled = !ready;
    byId("move", HTMLButtonElement).disabled = !ready;
  }
}
