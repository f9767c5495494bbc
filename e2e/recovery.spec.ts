import { once } from "node:events";
import { expect, test } from "@playwright/test";
import { Complaints, DEMO, nextSequences } from "./support/demo.ts";
import { freePort, spawnProgram, startProgram } from "./support/program.ts";

/** What Chromium itself prints of an attempt to connect that failed. */
const REFUSED = /ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE/;

for (const signal of ["SIGKILL", "SIGTERM"] as const) {
  test(`the page survives a server that ends by ${signal} and comes back`, async ({ page }) => {
    test.setTimeout(60_000);
    const port = await freePort();
    const complaints = new Complaints(page);
    let demo = await startProgram(DEMO, port);
    try {
      await page.goto(demo.url);
      await expect(page.locator("#state")).toHaveText("Open");
      await nextSequences(page, 2);
      await page.locator("#file").evaluate((input: HTMLInputElement) => {
        const transfer = new DataTransfer();
        transfer.items.add(new File(new Array(200).fill(new Uint8Array(1024 * 1024)), "long.bin"));
        input.files = transfer.files;
        input.dispatchEvent(new Event("change"));
      });
      const progress = () => page.locator("#up").evaluate((bar: HTMLProgressElement) => bar.value);
      await expect.poll(progress).toBeGreaterThan(0);

      const left = await demo.stop(signal);
      if (signal === "SIGTERM") expect(left).toEqual([]);
      await expect(page.locator("#state")).toHaveText("Reconnecting");
      await expect(page.locator("#notice")).toHaveText(
        /Connection lost, retrying in \d\.\d s \(attempt \d+\)/,
      );
      await expect(page.locator("#file-status")).toHaveText(/^Cut off after .*: the connection was lost/);
      await expect(page.locator("#retry")).toBeDisabled();
      await expect(page.locator("#line")).toBeDisabled();

      demo = await startProgram(DEMO, port);
      await expect(page.locator("#state")).toHaveText("Open", { timeout: 10_000 });
      const sequences = await nextSequences(page, 4);
      expect(sequences[0]).toBeLessThan(20); // a subscription of its own
      expect(sequences).toEqual(sequences.map((_, at) => (sequences[0] as number) + at));
      await expect(page.locator("#members")).toHaveText("You are alone in the room.");
      await expect(page.locator("#stat-reconnects")).toHaveText("1");
      await page.locator("#retry").click();
      await expect(page.locator("#file-status")).toHaveText(/^Sending /);
      await expect.poll(progress).toBeGreaterThan(0);
      await page.locator("#cancel").click();
      await expect(page.locator("#file-status")).toHaveText(/^Cancelled after /);
      expect(complaints.except(REFUSED)).toEqual([]);
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
