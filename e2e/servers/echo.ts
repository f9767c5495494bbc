// A page with a plain bundle and Tideway at /tideway, in one process.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { build } from "esbuild";
import { msgpackCodec } from "tideway/msgpack";
import { implement, json, serve } from "tideway/node";
import { selfImportPlugin } from "../../scripts/bundle.mjs";
import { api } from "./contract.ts";

const { outputFiles } = await build({
  entryPoints: [join(import.meta.dirname, "../pages/echo.ts")],
  write: false,
  bundle: true,
  format: "esm",
  target: "es2022",
  plugins: [selfImportPlugin(["browser", "default"])],
});
const script = outputFiles[0]?.text ?? "";
const PAGE = `<!doctype html><link rel="icon" href="data:,"><title>Echo</title><script type="module">${script}</script>`;

// An isolated page has a clock of 5 us instead of 100.
const web = createServer((_request, response) => {
  response.writeHead(200, {
    "content-type": "text/html; charset=utf-8",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
  });
  response.end(PAGE);
});

await serve({
  attach: [web],
  path: "/tideway",
  codecs: [msgpackCodec(), json],
  services: [
    implement(api, {
      echo: (value) => value,
      bytes: (bytes) => bytes,
      async *count(to) {
        for (let number = 1; number <= to; number++) yield number;
      },
      async sum(numbers) {
        let total = 0;
        for await (const number of numbers) total += number;
        return total;
      },
      async *letters(words) {
        for await (const word of words) yield word.toUpperCase();
      },
      fail: (_kind, context) => {
        throw context.error("NOPE", { id: 7 });
      },
    }),
  ],
});

web.listen(Number(process.env["PORT"] ?? 0), "127.0.0.1", () => {
  console.log(`http://127.0.0.1:${(web.address() as AddressInfo).port}`);
});
for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => process.exit(0));
