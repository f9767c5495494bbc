/** Resident memory of this process once its garbage is gone, bytes. Needs `--expose-gc`. */
export function residentBytes(): number {
  for (let i = 0; i < 3; i++) globalThis.gc!();
  return process.memoryUsage.rss();
}

/** Memory that objects and array buffers of this process hold once its garbage is gone, bytes. Needs `--expose-gc`. */
export function usedBytes(): number {
  for (let i = 0; i < 3; i++) globalThis.gc!();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
