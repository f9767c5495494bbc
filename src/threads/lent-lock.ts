import type { LentChannel } from "../channels/lent.ts";

/** Names of our locks begin with this. */
const LOCK_PREFIX = "tideway:lent:";

/** How often it is looked whether a thread that has opened a channel holds its lock, and the time between, ms. */
const MOST_LOOKS = 20;
const LOOK_MS = 100;

/** Names of the locks that this thread holds, or will in a moment. */
const held: Set<string> = new Set();

/** Locks of the origin; `undefined` where there are none: outside of browsers, and in insecure contexts. */
function originLocks(): LockManager | undefined {
  return (globalThis as { readonly navigator?: { readonly locks?: LockManager } }).navigator?.locks;
}

/** Name of a lock that nobody holds; `undefined` where there are no locks, or none can be waited for. */
export function newLockName(): string | undefined {
  const canWait = originLocks() !== undefined && "waitAsync" in Atomics;
  return canWait ? LOCK_PREFIX + crypto.randomUUID() : undefined;
}

/**
 * Hold the lock of a channel that was lent to this thread, as soon as its event loop has a turn: the browser lets go of it
 * when the thread ends, however.
 */
export function holdLock(name: unknown): void {
  if (typeof name !== "string" || !name.startsWith(LOCK_PREFIX) || held.has(name)) return;
  held.add(name);
  // Refused where the origin is opaque, as in a sandbox.
  originLocks()
    ?.request(name, () => new Promise<never>(() => {}))
    .catch(() => held.delete(name));
}

/**
 * Call `run` when the thread that a channel was lent to has let go of its lock.
 * @param opened - resolves when that thread has opened an end, and so has asked for the lock
 */
export async function onLockLetGo(
  { lock }: LentChannel,
  opened: Promise<unknown>,
  run: () => void,
): Promise<void> {
  const locks = originLocks();
  if (locks === undefined || lock === undefined) return;
  await opened;
  for (let look = 0; look < MOST_LOOKS; look++) {
    const { held: taken = [] } = await locks.query();
    if (taken.some(({ name }) => name === lock)) {
      await locks.request(lock, () => {});
      run();
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
}
