import { once } from "node:events";
import { expect, test } from "@playwright/test";
import {
  Complaints,
  chooseFile,
  counted,
  DEMO,
  nextSequences,
  sentPart,
  timelineOf,
  UNREACHABLE,
} from "./support/demo.ts";
import { freePort, spawnProgram, startProgram } from "./support/program.ts";

/**
 * A server that is killed says nothing: the session waits for it to come back, and what comes back does not know it.
 * One that stops says so.
 */
const ENDS = [
  { signal: "SIGKILL", state: "Resuming", told: ["Lost: ", "Started afresh: unknown, after T"] },
  {
    signal: "SIGTERM",
    state: "Reconnecting",
    told: ["Going away: ", "Lost: ", "Started afresh: going away, after T"],
  },
] as const;

for (const { signal, state, told } of ENDS) {
  test(`the page survives a server that ends by ${signal} and comes back`, async ({ page }) => {
    test.setTimeout(60_000);
    const port = await freePort();
    const complaints = new Complaints(page);
    let demo = await startProgram(DEMO, port);
    try {
      await page.goto(demo.url);
      await expect(page.locator("#state")).toHaveText("Open");
      await nextSequences(page, 2);
      await chooseFile(page, 200);
      await expect.poll(() => sentPart(page)).toBeGreaterThan(0);

      const left = await demo.stop(signal);
      if (signal === "SIGTERM") expect(left).toEqual([]);
      await expect(page.locator("#state")).toHaveText(state);
      await expect(page.locator("#notice")).toHaveText(
        /Connection lost, retrying in \d\.\d s \(attempt \d+\)/,
      );
      if (state === "Resuming") {
        await page.locator("#line").fill("Is anybody there?");
        await page.locator("#line").press("Enter");
      }
      for (const id of ["cut", "move", "retry"]) await expect(page.locator(`#${id}`)).toBeDisabled();

      demo = await startProgram(DEMO, port);
      await expect(page.locator("#state")).toHaveText("Open", { timeout: 10_000 });
      await expect(page.locator("#file-status")).toHaveText(/^Cut off after .*: the session was lost/);
      const entries = await timelineOf(page);
      expect(entries[0]).toBe("Connected: over websocket");
      expect(entries.slice(1)).toEqual(told.map((text) => expect.stringContaining(text)));
      const sequences = await nextSequences(page, 4);
      expect(sequences[0]).toBeLessThan(20); // a subscription of its own
      expect(sequences).toEqual(counted(sequences));
      await expect(page.locator("#gaps")).toHaveText("0");
      await expect(page.locator("#members")).toHaveText("You are alone in the room.");
      await expect(page.locator("#lines .own")).toHaveCount(0);
      await expect(page.locator("#lines .warning")).toHaveCount(state === "Resuming" ? 1 : 0);
      await expect(page.locator("#stat-reconnects")).toHaveText("1");
      await page.locator("#retry").click();
      await expect(page.locator("#file-status")).toHaveText(/^Sending /);
      await expect.poll(() => sentPart(page)).toBeGreaterThan(0);
      await page.locator("#cancel").click();
      await expect(page.locator("#file-status")).toHaveText(/^Cancelled after /);
      expect(complaints.except(UNREACHABLE)).toEqual([]);
    } finally {
      await demo.stop();
    }
  });
}

test("a port that is taken is said in one line", async () => {
  const demo = await startProgram(DEMO);
  try {
    const second = spawnProgram(DEMO, { PORT: String(demo.port) });
    let said = "";
    second.stderr?.on("data", (chunk) => {
      said += chunk;
    });
    const [code] = await once(second, "close");
    expect(code).toBe(1);
    expect(said.trim()).toBe(
      `Port ${demo.port} is taken: stop what uses it, or choose another one with PORT=8081 npm start (0 takes a free one)`,
    );
  } finally {
    expect(await demo.stop("SIGINT")).toEqual([]);
  }
});
