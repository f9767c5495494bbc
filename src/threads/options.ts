import type { Service } from "../rpc/service.ts";
import type { AcceptOptions } from "../session/accept.ts";
import type { ConnectOptions } from "../session/connect.ts";
import type { Session } from "../session/session.ts";
import type { MessagePortOptions } from "../transports/message-port.ts";

/** What carries the sessions with a worker: rings in shared memory, or the port alone. */
export type ThreadTransport = "ring" | "message-port";

/** How a worker is dialed. */
export interface WorkerDialOptions extends MessagePortOptions {
  /**
   * What is to carry the session. Default `auto`: rings where memory can be shared, else the port.
   * `ring` fails where it cannot.
   */
  readonly carrier?: ThreadTransport | "auto";
  /** Size of each of the two rings, bytes, a power of two. Default 512 KiB. */
  readonly ringBytes?: number;
  /** Told of each choice, and why it was made. */
  readonly onCarrier?: (choice: CarrierChoice) => void;
}

/** What carries a session with a worker, and why. */
export interface CarrierChoice {
  readonly carrier: ThreadTransport;
  /** A sentence for people. */
  readonly reason: string;
}

/** How a session is opened over a port. It ends with its port: there is no other one to go on with. */
export interface PortConnectOptions
  extends Omit<ConnectOptions, "reconnect" | "resumeMs" | "upgradeMs">,
    MessagePortOptions {}

/** How a session with a worker is opened. */
export interface WorkerConnectOptions extends PortConnectOptions, WorkerDialOptions {}

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
