import * as Control from "./control.ts";
import type { Mux } from "./mux.ts";
import type { Stream } from "./stream.ts";

/** Let the oldest unfinished message of a session go on beyond the windows. */
export function lend(mux: Mux): void {
  const { oldest } = mux.assembly;
  if (oldest === undefined) return;
  const { assembling, window } = oldest.receive;
  if (window.lend(assembling)) mux.control(oldest, Control.WINDOW);
  if (mux.window.lend(assembling)) mux.sessionWindowDue();
}

/** A fragment came, or the last one of its message. */
export function assembled(mux: Mux, stream: Stream): void {
  mux.assembly.note(stream, mux.now);
  lend(mux);
}

/** The peer says which unfinished message is lent to. @param position - where it began on its stream */
export function lendTo(mux: Mux, stream: Stream, position: number): void {
  mux.assembly.name(stream, position, mux.now);
  lend(mux);
}
