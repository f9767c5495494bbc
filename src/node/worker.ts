import { parentPort } from "node:worker_threads";
import { StateError, TransportError } from "../core/errors.ts";
import type { Dial } from "../session/dialing.ts";
import type { Session } from "../session/session.ts";
import type {
  PortAcceptOptions,
  PortConnectOptions,
  WorkerConnectOptions,
  WorkerDialOptions,
  WorkerServer,
} from "../threads/options.ts";
import { acceptOver, connectOver } from "../threads/port.ts";
import { connectOverWorker, dialOver, OfferedSessions, type WorkerLike } from "../threads/worker.ts";
import type { PortLike } from "../transports/message-port.ts";

/** A port of Node fires `close` when the thread at its other end has ended, however it ends. */
const SURROUNDINGS = {};

/** `threadId` of a worker that has ended: it takes nothing, and says nothing of that. */
const ENDED = -1;

/**
 * Open a session over a port whose other end another thread gives to {@link acceptPort}.
 * @param port - belongs to the session from here on; nobody may listen on it
 * @returns the session, open. When the other thread ends, it ends with `ERR_PEER_GONE`.
 * @throws {WireError} when the other side refuses, or does not answer in time.
 */
export function connectPort(port: PortLike, options: PortConnectOptions = {}): Promise<Session> {
  return connectOver(port, options, SURROUNDINGS);
}

/**
 * Take the session that another thread opens with {@link connectPort} at the other end of a port.
 * @param port - belongs to the session from here on; nobody may listen on it
 * @returns the session, `connecting` until the other side was let in.
 */
export function acceptPort(port: PortLike, options: PortAcceptOptions = {}): Session {
  return acceptOver(port, options, SURROUNDINGS);
}

/**
 * Open a session with a worker that calls {@link serveWorker}. Each has a channel of its own: the worker's other
 * messages are left alone.
 * @param worker - of `node:worker_threads`; it stays the caller's, who ends it
 * @returns the session, open. When the worker ends, it ends with `ERR_PEER_GONE`.
 * @throws {WireError} when the worker refuses, has ended, or does not answer in time.
 */
export function connectWorker(worker: WorkerLike, options: WorkerConnectOptions = {}): Promise<Session> {
  return connectOverWorker(dialWorker(worker, options), options);
}

/** What opens a channel to a worker that calls {@link serveWorker}: for `connectWith`, which can dial another one. */
export function dialWorker(worker: WorkerLike, options: WorkerDialOptions = {}): Dial {
  const dial = dialOver(worker, options, SURROUNDINGS);
  return async (signal) => {
    if (worker.threadId !== ENDED) return dial(signal);
    throw new TransportError("Cannot connect to worker: it has ended", { code: "ERR_PEER_GONE" });
  };
}

/**
 * In a worker: take the sessions that its parent opens with {@link connectWorker}. The worker lives on while it waits
 * for more.
 * @throws {StateError} when this is not a worker thread. {@link RangeError} when a limit is out of its bounds.
 */
export function serveWorker(options: PortAcceptOptions = {}): WorkerServer {
  const port = parentPort;
  if (port === null) throw new StateError("Cannot serve sessions of a worker: this is the main thread");
  return new OfferedSessions(options, SURROUNDINGS, (hear) => {
    port.on("message", hear);
    return () => port.removeListener("message", hear);
  });
}
