import { type Bytes, encodeText } from "../core/bytes.ts";
import { messageOf, TransportError, WireError } from "../core/errors.ts";
import type { Clock } from "../transports/drive.ts";
import type { Transport } from "../transports/transport.ts";
import type { Credentials } from "./options.ts";
import { whenAborted } from "./when-aborted.ts";

/** Opens a transport to the peer; gives up when `signal` aborts. */
export type Dial = (signal: AbortSignal) => Promise<Transport>;

/** A transport, and the place of the dial that opened it. */
export interface Dialed {
  readonly transport: Transport;
  readonly index: number;
  /** What opening it took, ms; `undefined` where the caller brought it open. */
  readonly dialMs: number | undefined;
}

/** What a client does over a transport that is open: it says HELLO and waits for the answer. */
export interface Greeting {
  /** Only one transport at a time may be greeted: a session that is carried on can be in one place alone. */
  readonly exclusive: boolean;
  readonly clock: Clock;
  /**
   * Say HELLO. Owns the transport from here on, and closes it when that fails or `signal` aborts.
   * @param win - in a race: to be called in the moment in which the answer is there, before anything is done with it
   * @returns resolves when the connection is open.
   */
  greet(dialed: Dialed, signal: AbortSignal, win?: () => void): Promise<void>;
  /** Whether another transport would bring the same error. */
  isFinal(error: unknown): boolean;
}

/** The ways to a server. Which of them is taken, and when, is decided here. */
export interface Route {
  /** Each way alone, the best one first. */
  readonly dials: readonly Dial[];
  /**
   * Open a connection by one of them.
   * @throws what the last one threw, when none works; the reason of `signal` when it aborts.
   */
  open(greeting: Greeting, signal: AbortSignal): Promise<void>;
}

/** The dials one after another: the first one that opens is taken. */
export function inOrder(dials: readonly Dial[]): Route {
  return {
    dials,
    async open({ clock, greet }, signal) {
      await greet(await dialFirst(dials, [...dials.keys()], signal, clock), signal);
    },
  };
}

/**
 * Open a transport by the first dial that works.
 * @param order - places of the dials, in the order in which to try them
 * @throws what the last one threw, when none works; the reason of `signal` when it aborts.
 */
export async function dialFirst(
  dials: readonly Dial[],
  order: readonly number[],
  signal: AbortSignal,
  clock: Clock,
): Promise<Dialed> {
  let failure: unknown;
  for (const index of order) {
    const start = clock.now();
    try {
      const dialed = untilAborted((dials[index] as Dial)(signal), signal, (late) => late.close(1_000, ""));
      return { transport: await dialed, index, dialMs: clock.now() - start };
    } catch (error) {
      signal.throwIfAborted();
      failure = error;
    }
  }
  throw failure ?? new TransportError("Cannot connect: there is no way to");
}

/** The bytes that prove who this side is. */
export async function resolveToken(auth: Credentials | undefined): Promise<Bytes | undefined> {
  const token = typeof auth === "function" ? await auth() : auth;
  return typeof token === "string" ? encodeText(token) : token;
}

/** What `promise` gives, or the reason of `signal`. What comes too late goes to `discard`. */
export function untilAborted<T>(
  promise: Promise<T>,
  signal: AbortSignal,
  discard?: (late: T) => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) reject(signal.reason);
    const stop = whenAborted(signal, () => reject(signal.reason));
    promise.finally(stop).then((value) => {
      if (signal.aborted) discard?.(value);
      resolve(value);
    }, reject);
  });
}

/** An error of any kind as one of ours. */
export function asWireError(error: unknown): WireError {
  if (error instanceof WireError) return error;
  return new TransportError(`Cannot connect: ${messageOf(error)}`, {
    cause: error,
  });
}
