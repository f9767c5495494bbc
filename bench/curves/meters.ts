import { usedBytes } from "../memory.ts";

/** CPU time that `work` takes, all threads of this process, ns. Other processes do not count. */
export async function cpuNs(work: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) * 1_000;
}

/** Memory that what `make` gives holds, without garbage, bytes: of the heap and of array buffers. */
export async function heldBytes<T>(
  make: () => Promise<T>,
  release: (made: T) => Promise<unknown>,
): Promise<number> {
  const before = await restedBytes();
  const made = await make();
  const held = (await restedBytes()) - before;
  await release(made);
  return held;
}

/** What was closed goes after a turn of the event loop or two, and its buffers after that. */
async function restedBytes(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    globalThis.gc!();
  }
  return usedBytes();
}
