// Serves the demo with Deno, over WebSocket and WebTransport: npm run start:deno
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bundleForWeb } from "../../scripts/bundle.mjs";
import { requireDeno } from "../../scripts/deno.mjs";
import { CACHE } from "../../scripts/paths.mjs";
import { makeCertificate } from "../../test/wt-pair.ts";
import { buildFiles } from "../server/page.ts";

/** What the server may do, and the API that has QUIC. */
const FLAGS = [
  "--unstable-net",
  "--no-lock",
  "--no-prompt",
  "--allow-net=127.0.0.1",
  "--allow-env",
  "--allow-sys",
];

const deno = findDeno();
mkdirSync(CACHE, { recursive: true });
const folder = mkdtempSync(join(CACHE, "demo-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
const program = join(folder, "server.mjs");
const page = join(folder, "page");
mkdirSync(page);
await bundleForWeb(join(import.meta.dirname, "server.ts"), program, ["deno", "default"]);
for (const [name, bytes] of await buildFiles()) writeFileSync(join(page, name), bytes);

// Browsers trust a certificate by its hash when it is valid for 14 days at most: each start makes another one.
const certificate = makeCertificate();
const child = spawn(deno, ["run", ...FLAGS, "--allow-read", "--allow-write", program], {
  stdio: "inherit",
  env: {
    ...process.env,
    DENO_NO_UPDATE_CHECK: "1",
    PAGE_FOLDER: page,
    CERTIFICATE: certificate.cert,
    KEY: certificate.key,
    CERTIFICATE_HASH: Buffer.from(certificate.hash).toString("hex"),
  },
});
child.on("exit", (code, signal) => process.exit(signal === null ? (code ?? 1) : 1));
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    // A terminal sends Ctrl-C to the child as well.
    if (signal !== "SIGINT" || !process.stdin.isTTY) child.kill(signal);
  });
}

function findDeno(): string {
  try {
    return requireDeno();
  } catch (error) {
    console.error((error as Error).message);
    process.exit(1);
  }
}
