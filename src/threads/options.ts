import type { Service } from "../rpc/service.ts";
import type { AcceptOptions } from "../session/accept.ts";
import type { ConnectOptions } from "../session/connect.ts";
import type { Session } from "../session/session.ts";
import type { MessagePortOptions } from "../transports/message-port.ts";

/** How a session is opened over a port. It ends with its port: there is no other one to go on with. */
export interface PortConnectOptions
  extends Omit<ConnectOptions, "reconnect" | "resumeMs" | "upgradeMs">,
    MessagePortOptions {}

/** How a session is taken over a port. */
export interface PortAcceptOptions extends Omit<AcceptOptions, "store" | "onResume">, MessagePortOptions {
  /** Handlers of calls, attached to the session. */
  readonly services?: readonly Service[];
}

/** Sessions that a worker takes from those who know it. */
export interface WorkerServer {
  /** The sessions that were let in. */
  readonly sessions: ReadonlySet<Session>;
  /** Take no new sessions, and close those that are open. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}
