import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { serveSockets } from "./sockets.ts";

await serveSockets(
  "bare Unix socket of `node:net`, a length before each message; answers are known by their order: a floor, no rival",
  () => {
    const folder = mkdtempSync(join(tmpdir(), "tideway-bench-"));
    process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
    return join(folder, "bare.sock");
  },
);
