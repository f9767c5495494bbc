import { loadCompressors } from "tideway/compression";

// Three times, to see what is told how often.
for (let i = 0; i < 3; i++) {
  const found = await loadCompressors(["zstd", "lz4"]);
  console.log(`FOUND ${found.map(({ name }) => name).join(" ")}`);
}
