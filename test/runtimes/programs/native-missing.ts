import { loadCompressors } from "tideway/compression";

const gone = async () => {
  throw new Error("zstd-wasm is not installed");
};
// Three times each, to see what is told how often. The second way is what a program has for a runtime without Zstandard.
for (const options of [{}, { native: false, zstdPackage: gone }])
  for (let i = 0; i < 3; i++) {
    const found = await loadCompressors(["zstd", "lz4"], options);
    console.log(`FOUND ${found.map(({ name }) => name).join(" ")}`);
  }
