import { type BrowserConnectOptions, connect, type Session, WireError } from "tideway";

/** Time between two attempts to reach a server for the first time, ms. */
const FIRST_RETRY_MS = 2_000;

/** Time between the end of a task and its next beginning, ms. */
const RESTART_MS = 250;

/**
 * Connect, and try again until it works. The session that comes of it connects again by itself.
 * @param onFailure - told why an attempt failed, and how long it is until the next one, ms
 */
export async function connectAtLast(
  url: URL,
  options: BrowserConnectOptions,
  onFailure: (error: WireError, retryInMs: number) => void,
): Promise<Session> {
  for (;;) {
    try {
      return await connect(url, options);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      onFailure(error, FIRST_RETRY_MS);
      await sleep(FIRST_RETRY_MS);
    }
  }
}

/**
 * Run `task` when the session is open, and again when it has ended, until the session is closed.
 *
 * A lost connection ends nothing: streams wait and go on. They end when the server is another one than before, so a
 * subscription is a task that begins by subscribing.
 */
export async function keepRunning(session: Session, task: () => Promise<void>): Promise<void> {
  while (await becomesOpen(session)) {
    try {
      await task();
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
    }
    await sleep(RESTART_MS); // a server that is going away refuses calls a moment before it closes
  }
}

/** Resolves when the session is open, with false when it never will be. */
function becomesOpen(session: Session): Promise<boolean> {
  return new Promise((resolve) => {
    const look = () => {
      if (session.state === "connecting" || session.state === "resuming") return;
      session.removeEventListener("statechange", look);
      resolve(session.state === "open");
    };
    session.addEventListener("statechange", look);
    look();
  });
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
