import { type Bytes, encodeText } from "../core/bytes.ts";
import { TransportError, WireError } from "../core/errors.ts";
import type { Transport } from "../transports/transport.ts";
import type { Credentials } from "./options.ts";

/** Opens a transport to the peer; gives up when `signal` aborts. */
export type Dial = (signal: AbortSignal) => Promise<Transport>;

/** A transport, and the place of the dial that opened it. */
export interface Dialed {
  readonly transport: Transport;
  readonly index: number;
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
): Promise<Dialed> {
  let failure: unknown = new TransportError("Cannot connect: there is no way to");
  for (const index of order) {
    try {
      const dialed = untilAborted((dials[index] as Dial)(signal), signal, (late) => late.close(1_000, ""));
      return { transport: await dialed, index };
    } catch (error) {
      signal.throwIfAborted();
      failure = error;
    }
  }
  throw failure;
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
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    promise.then(
      (value) => {
        signal.removeEventListener("abort", onAbort);
        if (signal.aborted) discard?.(value);
        resolve(value);
      },
      (error: unknown) => {
        signal.removeEventListener("abort", onAbort);
        reject(error);
      },
    );
  });
}

/** An error of any kind as one of ours. */
export function asWireError(error: unknown): WireError {
  if (error instanceof WireError) return error;
  return new TransportError(`Cannot connect: ${error instanceof Error ? error.message : String(error)}`, {
    cause: error,
  });
}
