import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, it } from "vitest";
import { ROOT } from "../../scripts/paths.mjs";

it("a soak works on both sides and tells the memory of each", { timeout: 180_000 }, async () => {
  // In a process of its own, where garbage can be collected.
  const command = ["scripts/run-ts.mjs", "--expose-gc", "bench/soak/main.ts", "--minutes", "0.02"];
  const child = spawn(process.execPath, command, { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
  let out = "";
  let problems = "";
  child.stdout.on("data", (chunk) => {
    out += chunk;
  });
  child.stderr.on("data", (chunk) => {
    problems += chunk;
  });
  await once(child, "close");
  expect(out, problems).toContain("S7");
  for (const kind of ["tideway", "ws"]) {
    const points = [
      ...out.matchAll(
        new RegExp(`${kind} .*, (\\d+) turns: server ([\\d.]+) MiB, client ([\\d.]+) MiB`, "g"),
      ),
    ];
    expect(points).toHaveLength(15);
    const [, turns, server, client] = (points.at(-1) ?? []).map(Number);
    expect(turns).toBeGreaterThanOrEqual(15);
    for (const mebibytes of [server, client]) {
      expect(mebibytes).toBeGreaterThan(1);
      expect(mebibytes).toBeLessThan(100);
    }
  }
  expect(out).toMatch(/S7 +memory of the server over 1\.2 s, its last third against its first/);
});
