import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { expect, test } from "vitest";

test("one signal may end hundreds of calls and many sessions, without a warning", async () => {
  const child = spawn(process.execPath, ["scripts/run-ts.mjs", "test/shared-signal.ts"], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [[code], out, errors] = await Promise.all([
    once(child, "close"),
    text(child.stdout),
    text(child.stderr),
  ]);
  expect([code, out, errors]).toEqual([0, "OK\n", ""]);
}, 60_000);
