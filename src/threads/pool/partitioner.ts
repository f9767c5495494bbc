/** What tasks that belong together have in common: they go to the same worker. */
export type PartitionKey = string | number | bigint | Uint8Array;

/** Chooses the worker of a task. One partitioner belongs to one pool. */
export interface Partitioner {
  /** The workers are these from now on. @param ids - numbers of the workers, at least one, no two the same */
  resize(ids: readonly number[]): void;
  /** @returns the number of the worker that a task goes to; a task without a key may go to any. */
  pick(key: PartitionKey | undefined): number;
}

/** Points on the ring that each worker has, so that the shares of the workers differ little. */
export const DEFAULT_VIRTUAL_NODES = 150;

const encoder = new TextEncoder();

/**
 * 32-bit hash of a key: FNV-1a over its bytes, then the finalizer of MurmurHash3, since FNV alone mixes short keys
 * badly. A number and its text are different keys.
 */
export function hashKey(key: PartitionKey, seed = 0): number {
  let hash = 0x811c9dc5 ^ seed;
  const add = (byte: number): void => {
    hash = Math.imul(hash ^ byte, 0x01000193);
  };
  if (key instanceof Uint8Array) {
    for (let i = 0; i < key.length; i++) add(key[i] as number);
  } else {
    const text = typeof key === "string" ? key : `${typeof key}:${key}`;
    const bytes = encoder.encode(text);
    for (let i = 0; i < bytes.length; i++) add(bytes[i] as number);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** One worker after the other. Keys mean nothing. */
export function roundRobinPartitioner(): Partitioner {
  let ids: readonly number[] = [];
  let next = 0;
  return {
    resize(given) {
      ids = given;
    },
    pick() {
      next = (next + 1) % ids.length;
      return ids[next] as number;
    },
  };
}

/**
 * The hash of the key, modulo the number of workers: shares are as even as the keys are, but nearly every key moves
 * when a worker is added or removed. Tasks without a key go round.
 */
export function hashPartitioner(): Partitioner {
  const others = roundRobinPartitioner();
  let ids: readonly number[] = [];
  return {
    resize(given) {
      ids = given;
      others.resize(given);
    },
    pick: (key) => (key === undefined ? others.pick(key) : (ids[hashKey(key) % ids.length] as number)),
  };
}

/**
 * A ring of points, `virtualNodes` for each worker: a key goes to the worker whose point follows its hash. Adding or
 * removing one of n workers moves about one key in n, and no key between two workers that stay. Tasks without a key go
 * round.
 * @throws {RangeError} when `virtualNodes` is not a whole number from 1 to 65,536.
 * Source: Karger et al., Consistent Hashing and Random Trees, 1997.
 */
export function consistentHashPartitioner(virtualNodes: number = DEFAULT_VIRTUAL_NODES): Partitioner {
  if (!Number.isInteger(virtualNodes) || virtualNodes < 1 || virtualNodes > 65_536)
    throw new RangeError(`Cannot use virtualNodes ${virtualNodes}: must be a whole number from 1 to 65536`);
  const others = roundRobinPartitioner();
  let points = new Uint32Array(0);
  let owners = new Uint32Array(0);
  return {
    resize(ids) {
      others.resize(ids);
      const ring = ids.flatMap((id) =>
        Array.from({ length: virtualNodes }, (_, node) => ({
          id,
          point: hashKey(`${id}/${node}`, RING_SEED),
        })),
      );
      ring.sort((a, b) => a.point - b.point || a.id - b.id);
      points = Uint32Array.from(ring, ({ point }) => point);
      owners = Uint32Array.from(ring, ({ id }) => id);
    },
    pick(key) {
      if (key === undefined) return others.pick(key);
      const at = firstAtLeast(points, hashKey(key));
      return owners[at === points.length ? 0 : at] as number;
    },
  };
}

/** Keys that look like points are not where the points are. */
const RING_SEED = 0x9e3779b9;

/** @returns the index of the first of `sorted` that is not below `value`; its length when all are. */
function firstAtLeast(sorted: Uint32Array, value: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as number) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}
