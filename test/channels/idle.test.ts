import { execFile } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { bundleForNode } from "../../scripts/bundle.mjs";
import { CACHE, ROOT } from "../../scripts/paths.mjs";

/** Share of a processor. */
const MOST = 0.03;

test("threads that wait, blocked and not, for messages and for room, leave the processor alone", {
  timeout: 120_000,
}, async () => {
  const program = join(CACHE, `idle-program-${process.pid}.mjs`);
  mkdirSync(CACHE, { recursive: true });
  await bundleForNode(join(ROOT, "test/channels/idle-program.ts"), program);
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [program]);
    const share = Number(stdout);
    console.info(`4 waits at once: ${(share * 100).toFixed(2)} % of a processor`);
    expect(share).toBeGreaterThan(0);
    expect(share).toBeLessThan(MOST);
  } finally {
    rmSync(program, { force: true });
  }
});
