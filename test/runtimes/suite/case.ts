import { type Client, type ConnectOptions, client, type Session } from "tideway";
import { api, TOKEN } from "./contract.ts";
import { serveSession } from "./peer.ts";

/** What a client of some runtime brings. */
export interface SuiteTarget {
  /** Where the server is. */
  readonly url: string;
  /** A way to it on which connections are cut, one after the other, some 200 KB apart; missing where there is none. */
  readonly cutsUrl?: string;
  /** A way to it that is cut once, after 20 KB; missing where there is none. */
  readonly lossUrl?: string;
}

/** Opens sessions. */
export type Connect = (url: string, options: ConnectOptions) => Promise<Session>;

/** One thing that must work. */
export interface Case {
  readonly name: string;
  /** Which address of the target it needs. */
  readonly needs: keyof SuiteTarget;
  run(open: (options?: ConnectOptions) => Promise<Opened>): Promise<void>;
}

/** A session, and calls on it. */
export interface Opened {
  readonly session: Session;
  readonly calls: Client<typeof api>;
}

/** Connects, and closes what was opened when the case is over. */
export function opener(connect: Connect, url: string) {
  const sessions: Session[] = [];
  return {
    async open(options: ConnectOptions = {}): Promise<Opened> {
      const session = await connect(url, { auth: TOKEN, onSession: serveSession, ...options });
      sessions.push(session);
      return { session, calls: client(session, api) };
    },
    async close(): Promise<void> {
      for (const session of sessions) await session.close();
    },
  };
}
