import { StateError } from "../core/errors.ts";
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
import type { PortLike, PortSurroundings } from "../transports/message-port.ts";

/** The default of {@link MessagePortOptions.silenceMs} here, where no event tells of the end of a thread. */
const DEFAULT_SILENCE_MS = 800;

/** Locks tell, in secure contexts. */
function surroundings(): PortSurroundings {
  return { locks: globalThis.navigator?.locks };
}

/**
 * Open a session over a port whose other end another thread gives to {@link acceptPort}.
 * @param port - belongs to the session from here on; nobody may listen on it
 * @returns the session, open. When the other thread ends, it ends with `ERR_PEER_GONE`.
 * @throws {WireError} when the other side refuses, or does not answer in time.
 */
export function connectPort(port: PortLike, options: PortConnectOptions = {}): Promise<Session> {
  return connectOver(port, { silenceMs: DEFAULT_SILENCE_MS, ...options }, surroundings());
}

/**
 * Take the session that another thread opens with {@link connectPort} at the other end of a port, such as one of a
 * `connect` event of a SharedWorker.
 * @param port - belongs to the session from here on; nobody may listen on it
 * @returns the session, `connecting` until the other side was let in.
 */
export function acceptPort(port: PortLike, options: PortAcceptOptions = {}): Session {
  return acceptOver(port, { silenceMs: DEFAULT_SILENCE_MS, ...options }, surroundings());
}

/**
 * Open a session with a Worker that calls {@link serveWorker}. Each has a channel of its own: the Worker's other
 * messages are left alone.
 * @param worker - it stays the caller's, who ends it
 * @returns the session, open. When the Worker ends, it ends with `ERR_PEER_GONE`; what a Worker throws does not end it.
 * @throws {WireError} when the Worker refuses, fails to start, or does not answer in time.
 */
export function connectWorker(worker: WorkerLike, options: WorkerConnectOptions = {}): Promise<Session> {
  return connectOverWorker(dialWorker(worker, options), options);
}

/** What opens a channel to a Worker that calls {@link serveWorker}: for `connectWith`, which can dial another one. */
export function dialWorker(worker: WorkerLike, options: WorkerDialOptions = {}): Dial {
  return dialOver(worker, { silenceMs: DEFAULT_SILENCE_MS, ...options }, surroundings());
}

/**
 * In a Worker: take the sessions that its page opens with {@link connectWorker}. To be called while the Worker's script
 * runs for the first time: messages that come before anybody listens are lost.
 * @throws {StateError} in a page: messages to a page can come from any origin. {@link RangeError} when a limit is out of
 *   its bounds.
 */
export function serveWorker(options: PortAcceptOptions = {}): WorkerServer {
  if (globalThis.document !== undefined)
    throw new StateError("Cannot serve sessions of a worker: this is a page");
  return new OfferedSessions({ silenceMs: DEFAULT_SILENCE_MS, ...options }, surroundings(), (hear) => {
    const onMessage = (event: Event) => hear((event as MessageEvent<unknown>).data);
    globalThis.addEventListener("message", onMessage);
    return () => globalThis.removeEventListener("message", onMessage);
  });
}
