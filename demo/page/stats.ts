import type { Session } from "tideway";
import { byId, create } from "./dom.ts";
import { formatBytes, formatCount, formatMs } from "./format.ts";

const REFRESH_MS = 500;

/** The panel with the figures of a session, read twice a second. */
export function showStats(session: Session): void {
  const cells = new Map<string, HTMLElement>();
  let roundTrip = "–";

  const refresh = () => {
    for (const [name, value] of figures(session, roundTrip)) cell(cells, name).textContent = value;
    if (session.state !== "open") return;
    session.ping().then(
      (ms) => {
        roundTrip = `${formatMs(ms)} ms`;
      },
      () => {
        roundTrip = "–"; // lost meanwhile; the badge says so
      },
    );
  };
  session.addEventListener("statechange", refresh);
  setInterval(refresh, REFRESH_MS);
  refresh();
}

function figures(session: Session, roundTrip: string): (readonly [name: string, value: string])[] {
  const stats = session.stats();
  return [
    ["State", stats.state],
    ["Transport", stats.transport ?? "–"],
    ["Round trip", stats.state === "open" ? roundTrip : "–"],
    ["Reconnects", formatCount(stats.reconnects)],
    ["Resumes", formatCount(stats.resumes)],
    ["Migrations", formatCount(stats.migrations)],
    ["Sent again", formatBytes(stats.resentBytes)],
    ["Kept for a loss", formatBytes(stats.retainedBytes)],
    ["Open streams", formatCount(stats.streams)],
    ["Bytes up", formatBytes(stats.bytesSent)],
    ["Bytes down", formatBytes(stats.bytesReceived)],
    ["Queued here", formatBytes(stats.queuedBytes)],
    ["In the transport", stats.bufferedBytes === undefined ? "–" : formatBytes(stats.bufferedBytes)],
    ["Unread here", formatBytes(stats.unreadBytes)],
    ["Credit to send", formatBytes(stats.sendCreditBytes)],
    ["Credit to receive", formatBytes(stats.receiveCreditBytes)],
    ["Records up", formatCount(stats.recordsSent)],
    ["Records down", formatCount(stats.recordsReceived)],
  ];
}

function cell(cells: Map<string, HTMLElement>, name: string): HTMLElement {
  const known = cells.get(name);
  if (known !== undefined) return known;
  const value = create("dd");
  value.id = `stat-${name.toLowerCase().replaceAll(" ", "-")}`;
  const pair = create("div");
  pair.append(create("dt", name), value);
  byId("stats", HTMLElement).append(pair);
  cells.set(name, value);
  return value;
}
