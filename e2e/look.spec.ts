import { expect, test } from "@playwright/test";
import { Complaints, chooseFile, DEMO, nextSequences } from "./support/demo.ts";
import { type Program, startProgram } from "./support/program.ts";

let demo: Program;
test.beforeAll(async () => {
  demo = await startProgram(DEMO);
});
test.afterAll(async () => {
  await demo.stop();
});

for (const colorScheme of ["light", "dark"] as const) {
  for (const width of [360, 1_400]) {
    test(`the page is whole in ${colorScheme} at ${width} px`, async ({ browser }) => {
      const page = await browser.newPage({ colorScheme, viewport: { width, height: 900 } });
      const complaints = new Complaints(page);
      await page.goto(demo.url);
      await expect(page.locator("#state")).toHaveText("Open");
      const before = await page
        .locator(".card")
        .evaluateAll((cards) => cards.map((card) => card.getBoundingClientRect().height));
      await nextSequences(page, 6);
      await chooseFile(page, 1);
      await expect(page.locator("#file-status")).toHaveText(/both ends have the same hash/);
      await page.locator("#cut").click();
      await expect(page.locator("#timeline li").last()).toHaveText(/Resumed/);
      await page.locator("#move").click();
      await expect(page.locator("#timeline li").last()).toHaveText(/Migrated/);

      const picture = await page.screenshot({ fullPage: true });
      await test.info().attach(`${colorScheme}-${width}`, { body: picture, contentType: "image/png" });
      expect(picture.length).toBeGreaterThan(20_000);
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width);
      const after = await page
        .locator(".card")
        .evaluateAll((cards) => cards.map((card) => card.getBoundingClientRect().height));
      expect(after, "heights of the cards, which may not jump").toEqual(before);

      const [red = 0] = await page.evaluate(() =>
        (getComputedStyle(document.body).backgroundColor.match(/\d+/g) ?? []).map(Number),
      );
      expect(red < 128).toBe(colorScheme === "dark");
      expect(complaints.except()).toEqual([]);
      await page.close();
    });
  }
}

test("every control has a name and the keyboard reaches it", async ({ page }) => {
  await page.goto(demo.url);
  await expect(page.locator("#state")).toHaveText("Open");
  await expect(page.getByLabel("Choose a file")).toBeAttached();
  await expect(page.getByRole("textbox", { name: "Line to send" })).toBeEnabled();
  await expect(page.getByRole("progressbar", { name: "Up" })).toBeVisible();
  await expect(page.getByRole("progressbar", { name: "Down" })).toBeVisible();
  await expect(page.getByRole("log", { name: "Chat lines" })).toBeVisible();
  await expect(page.getByRole("list", { name: "Timeline of the connection" })).toBeVisible();
  await expect(page.getByRole("button", { name: "Cut the connection" })).toBeEnabled();
  for (const id of ["cut", "move", "burst", "file"]) {
    await page.keyboard.press("Tab");
    await expect(page.locator(`#${id}`)).toBeFocused();
  }
  await page.keyboard.press("Tab");
  await expect(page.locator("#lines, #line").and(page.locator(":focus"))).toHaveCount(1);
});
