import { loadCompressors, lz4 } from "tideway/compression";
import { makeInput } from "../../test/compression/inputs.ts";

/** One way of one compressor: what a run is asked to do. */
interface Way {
  readonly name: string;
  readonly direction: "compress" | "expand";
  readonly ratio: number;
  run(): unknown;
}

/** The ways, ready to run; who measures them has the clock. */
async function prepare(kind: string, length: number) {
  const source = makeInput(kind, length, 1);
  const [wasm] = await loadCompressors(["lz4"]);
  const [deflate] = await loadCompressors(["deflate"]);
  const ways: Way[] = [];
  const reuse = new Uint8Array(length);
  for (const [name, compressor, out] of [
    ["lz4, TypeScript", lz4],
    ["lz4, WASM", wasm!],
    ["deflate, fflate and own inflate", deflate!],
    ["lz4, WASM, into one array", wasm!, reuse],
  ] as const) {
    const into = new Uint8Array(length);
    const block = into.slice(0, compressor.compress(source, into));
    const back = compressor.expand(block, length, out);
    if (back.some((byte, i) => byte !== source[i])) throw new Error(`${name}: what comes back differs`);
    const ratio = length / block.length;
    ways.push({ name, ratio, direction: "compress", run: () => compressor.compress(source, into) });
    ways.push({ name, ratio, direction: "expand", run: () => compressor.expand(block, length, out) });
  }
  const work = (way: number, count: number) => {
    for (let i = 0; i < count; i++) (ways[way] as Way).run();
  };
  Object.assign(globalThis, { work });
  return ways.map(({ name, ratio, direction }) => ({ name, ratio, direction }));
}

Object.assign(globalThis, { prepare });
