// A process that listens on an IPC name at a given instant, for tests: node ipc-starter.mjs NAME EPOCH_MS
import { serve } from "tideway/node";

const [name, at] = process.argv.slice(2);
while (Date.now() < Number(at)); // all processes of a test leave this loop within a fraction of a millisecond
try {
  const { urls } = await serve({ listen: [`ipc:${name}`] });
  process.stdout.write(`${JSON.stringify({ won: urls[0] })}\n`);
  process.stdin.on("end", () => process.exit()).resume(); // as dead as after a crash: nothing is closed
} catch (error) {
  process.stdout.write(`${JSON.stringify({ lost: (error as Error).message })}\n`);
}
