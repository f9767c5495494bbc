/** How often a program has asked what its runtime has of its own. */
export type NativeCounts = Record<
  "wasmLz4" | "zlibDeflate" | "zlibInflate" | "zlibZstd" | "nodeHash" | "webDigest" | "writev",
  number
>;

type Functions = Record<string, (...args: never[]) => unknown>;

/** Put a counter before each of `names` that `owner` has. */
function countCalls(
  owner: Functions,
  names: readonly string[],
  counts: NativeCounts,
  name: keyof NativeCounts,
) {
  for (const method of names) {
    const original = owner[method];
    if (original === undefined) continue;
    owner[method] = (...args) => {
      counts[name]++;
      return original.apply(owner, args);
    };
  }
}

/** The module of LZ4, with its functions counted. */
function countWasm(counts: NativeCounts): void {
  globalThis.WebAssembly.Instance = new Proxy(globalThis.WebAssembly.Instance, {
    construct(Instance, args: [WebAssembly.Module]) {
      const instance = new Instance(...args);
      const exports = { ...instance.exports };
      countCalls(exports as unknown as Functions, ["compress", "expand"], counts, "wasmLz4");
      return { exports };
    },
  });
}

/**
 * Count what is asked of a module of Node. In Node it is changed in its place, for those who have imported it; Deno does
 * not allow that, and there as in Bun the package asks for it when it needs it.
 */
function countModule(
  name: string,
  methods: Readonly<Record<string, keyof NativeCounts>>,
  counts: NativeCounts,
) {
  const load = process.getBuiltinModule;
  const module = load(name) as unknown as Functions;
  const inPlace = !("Deno" in globalThis) && !("Bun" in globalThis);
  const counted = inPlace ? module : { ...module };
  for (const [method, count] of Object.entries(methods)) countCalls(counted, [method], counts, count);
  if (inPlace) (load("node:module") as unknown as Functions)["syncBuiltinESMExports"]?.();
  else
    process.getBuiltinModule = ((asked: string) => (asked === name ? counted : load(asked))) as typeof load;
}

/** Bursts that leave by one `writev`: what Node's own sockets do, which Deno and Bun have no use for here. */
function countWritev(counts: NativeCounts): void {
  const { Socket } = process.getBuiltinModule("node:net");
  const { cork } = Socket.prototype;
  Socket.prototype.cork = function (this: InstanceType<typeof Socket>) {
    counts.writev++;
    cork.call(this);
  };
}

/** Count from now on, in Node, Deno or Bun. */
export function countNative(): NativeCounts {
  const counts: NativeCounts = {
    wasmLz4: 0,
    zlibDeflate: 0,
    zlibInflate: 0,
    zlibZstd: 0,
    nodeHash: 0,
    webDigest: 0,
    writev: 0,
  };
  countWasm(counts);
  countModule(
    "node:zlib",
    {
      deflateRawSync: "zlibDeflate",
      inflateRawSync: "zlibInflate",
      zstdCompressSync: "zlibZstd",
      zstdDecompressSync: "zlibZstd",
    },
    counts,
  );
  countModule("node:crypto", { createHash: "nodeHash" }, counts);
  countWritev(counts);
  countCalls(crypto.subtle as unknown as Functions, ["digest"], counts, "webDigest");
  return counts;
}
