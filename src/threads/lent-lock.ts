import { type LentChannel, markLocked, whenLocked } from "../channels/lent.ts";

/** Names of our locks begin with this. */
const LOCK_PREFIX = "tideway:lent:";

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
export function holdLock(channel: LentChannel): void {
  const { lock } = channel;
  if (typeof lock !== "string" || !lock.startsWith(LOCK_PREFIX) || held.has(lock)) return;
  held.add(lock);
  const hold = () => {
    markLocked(channel);
    return new Promise<never>(() => {});
  };
  // Refused where the origin is opaque, as in a sandbox.
  originLocks()
    ?.request(lock, hold)
    .catch(() => held.delete(lock));
}

/** Call `run` when the thread that a channel was lent to has held its lock and let go of it. */
export async function onLockLetGo(channel: LentChannel, run: () => void): Promise<void> {
  const locks = originLocks();
  if (locks === undefined || channel.lock === undefined) return;
  await whenLocked(channel);
  await locks.request(channel.lock, () => {});
  run();
}
