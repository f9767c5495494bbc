import { expect, test } from "@playwright/test";
import { msgpackCodec } from "tideway/msgpack";
import { client, connect, json } from "tideway/node";
import { api, SAMPLE } from "./servers/contract.ts";
import { Complaints } from "./support/demo.ts";
import { type Program, startProgram } from "./support/program.ts";

const codecs = { json, msgpack: msgpackCodec() };

let server: Program;
test.beforeAll(async () => {
  server = await startProgram("e2e/servers/echo.ts");
});
test.afterAll(async () => {
  expect(await server.stop()).toEqual([]);
});

for (const codec of ["json", "msgpack"] as const) {
  test(`a page with a plain bundle calls a Node server in ${codec}`, async ({ page }) => {
    const complaints = new Complaints(page);
    await page.goto(server.url);
    expect(await page.evaluate((name) => window.tideway.exchange(name), codec)).toEqual({
      codec,
      same: true,
      counted: 1_000,
      total: 500_500,
      answer: "AHOJ",
      end: undefined,
      failure: { name: "NOPE", details: { id: 7 } },
      streams: 0,
    });
    expect(complaints.except()).toEqual([]);
  });

  test(`the page and Node encode the same bytes in ${codec}`, async ({ page }) => {
    await page.goto(server.url);
    const here = Buffer.from(codecs[codec].encode(SAMPLE[codec])).toString("hex");
    expect(await page.evaluate((name) => window.tideway.encodeSample(name), codec)).toBe(here);

    const session = await connect(`${server.url.replace("http", "ws")}/tideway`, { codecs: [codecs[codec]] });
    expect(await client(session, api).echo(SAMPLE[codec])).toEqual(SAMPLE[codec]);
    await session.close();
  });
}
