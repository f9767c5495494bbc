import { TransportError } from "../core/errors.ts";
import type { Home } from "./mover.ts";
import { whenAborted } from "./when-aborted.ts";

/** The default of {@link ConnectOptions.connectTimeoutMs}. */
export const DEFAULT_CONNECT_TIMEOUT_MS = 5_000;

/** Run with a signal that aborts after the time for an attempt, and when the session is closed or the caller gives up. */
export async function boundedAttempt(
  { options, resolved, session }: Pick<Home, "options" | "resolved" | "session">,
  run: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const { signal, connectTimeoutMs = DEFAULT_CONNECT_TIMEOUT_MS } = options;
  const { clock } = resolved;
  const abort = new AbortController();
  const onAbort = () => abort.abort(signal?.aborted ? signal.reason : session.error);
  const stops = [session.onEnd(onAbort)];
  if (signal?.aborted || session.state === "closed") onAbort();
  else if (signal !== undefined) stops.push(whenAborted(signal, onAbort));
  const timer = clock.schedule(() => {
    const text = `Cannot connect: no answer in ${connectTimeoutMs} ms`;
    abort.abort(new TransportError(text, { code: "ERR_TIMEOUT" }));
  }, connectTimeoutMs);
  try {
    await run(abort.signal);
  } finally {
    clock.cancel(timer);
    for (const stop of stops) stop();
  }
}
