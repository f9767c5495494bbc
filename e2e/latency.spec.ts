import { expect, test } from "@playwright/test";
import { percentile } from "./support/demo.ts";
import { startProgram } from "./support/program.ts";

const SAMPLES = 2_500;
const MOST_RATIO = 2;

test("a unary call takes little longer than an echo over a bare WebSocket", async ({ page }) => {
  test.setTimeout(90_000);
  const server = await startProgram("e2e/servers/echo.ts");
  try {
    await page.goto(server.url);
    expect(await page.evaluate(() => crossOriginIsolated), "the page's clock is fine enough").toBe(true);
    const { tideway, bare } = await page.evaluate((count) => window.tideway.measureLatency(count), SAMPLES);
    expect([tideway.length, bare.length]).toEqual([SAMPLES, SAMPLES]);
    const figures = (values: readonly number[]) =>
      `p50 ${percentile(values, 0.5).toFixed(3)} ms  p99 ${percentile(values, 0.99).toFixed(3)} ms`;
    const ratio = percentile(tideway, 0.5) / percentile(bare, 0.5);
    console.log(
      `    64 B, ${SAMPLES} each: tideway ${figures(tideway)}  bare ${figures(bare)}  p50 x ${ratio.toFixed(2)}`,
    );
    expect(ratio).toBeLessThanOrEqual(MOST_RATIO);
  } finally {
    await server.stop();
  }
});
