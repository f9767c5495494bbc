import type { Session } from "../session/session.ts";
import { Deadlines } from "./deadlines.ts";

/** What all calls of one session share, whichever client or service they belong to. */
export interface SessionCalls {
  /** Default deadlines of both directions. */
  readonly deadlines: Deadlines;
  /** Calls of this side that are not over. */
  waiting: number;
  /** Calls of the peer whose handler has not settled. */
  running: number;
}

const SESSIONS: WeakMap<Session, SessionCalls> = new WeakMap();

/** What the calls of `session` share. */
export function callsOf(session: Session): SessionCalls {
  const known = SESSIONS.get(session);
  if (known !== undefined) return known;
  const { clock, limits } = session.options;
  const calls: SessionCalls = { deadlines: new Deadlines(clock, limits.callMs), waiting: 0, running: 0 };
  SESSIONS.set(session, calls);
  void session.closed.then(() => calls.deadlines.stop());
  return calls;
}
