import { choiceOf, type Session } from "tideway";
import type { ConnectionPanel } from "./connection.ts";
import { byId, create, setText } from "./dom.ts";
import { type Routes, TRANSPORT_LABELS, type WebTransportName } from "./routes.ts";

const NAMES: readonly WebTransportName[] = ["websocket", "webtransport"];

/** The transport panel: which one won and why, which one carries the session now, and buttons that switch. */
export class TransportPanel {
  readonly #session: Session;
  readonly #routes: Routes;
  readonly #connection: ConnectionPanel;

  constructor(session: Session, routes: Routes, connection: ConnectionPanel) {
    this.#session = session;
    this.#routes = routes;
    this.#connection = connection;
    this.#showWinner();
    for (const name of NAMES) {
      buttonOf(name).addEventListener("click", async () => {
        const moving = connection.moveTo(name);
        this.#refresh();
        await moving;
        this.#refresh();
      });
    }
    session.addEventListener("migrated", () => this.#refresh());
    session.addEventListener("statechange", () => this.#refresh());
    this.#refresh();
  }

  #showWinner(): void {
    const { runtime, missing } = this.#routes;
    const choice = choiceOf(this.#session);
    const winner = this.#session.stats().transport;
    const label = winner === "webtransport" || winner === "websocket" ? TRANSPORT_LABELS[winner] : "Nothing";
    const won = choice !== undefined && choice.contenders.length > 0;
    setText("winner", won ? `${label} won` : `${label} alone`);
    setText("winner-server", `served by ${runtime}`);
    const reasons = missing === undefined ? (choice?.reasons ?? []) : [missing];
    byId("reasons", HTMLElement).replaceChildren(...reasons.map((reason) => create("li", capital(reason))));
  }

  #refresh(): void {
    const { state } = this.#session;
    const current = this.#session.stats().transport;
    for (const name of NAMES) {
      const button = buttonOf(name);
      const chosen = name === current;
      button.ariaPressed = String(chosen);
      const possible = state === "open" && !this.#connection.moving && this.#routes.dials.has(name);
      button.disabled = chosen || !possible;
    }
  }
}

function buttonOf(name: WebTransportName): HTMLButtonElement {
  return byId(`use-${name}`, HTMLButtonElement);
}

/** `webtransport opened` as `WebTransport opened`. */
function capital(reason: string): string {
  const named = reason
    .replaceAll("webtransport", TRANSPORT_LABELS.webtransport)
    .replaceAll("websocket", TRANSPORT_LABELS.websocket);
  return named.charAt(0).toUpperCase() + named.slice(1);
}
