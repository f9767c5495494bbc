import { once } from "node:events";
import { get, type IncomingMessage } from "node:http";
import { expect, test } from "./support/demo.ts";
import { startProgram } from "./support/program.ts";

/** The answer to an upgrade request. */
async function upgrade(url: string, headers: Readonly<Record<string, string>>): Promise<IncomingMessage> {
  const request = get(url, {
    agent: false,
    headers: {
      connection: "Upgrade",
      upgrade: "websocket",
      "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
      "sec-websocket-version": "13",
      "sec-websocket-protocol": "tideway.v1",
      ...headers,
    },
  });
  const [response, socket] = await Promise.race([once(request, "response"), once(request, "upgrade")]);
  socket?.destroy();
  (response as IncomingMessage).resume();
  return response as IncomingMessage;
}

test("a connection from a page of another origin is refused", async ({ demo, browser }) => {
  const status = async (headers: Readonly<Record<string, string>>, path = "/tideway") =>
    (await upgrade(demo.url + path, headers)).statusCode;
  expect(await status({ origin: demo.url })).toBe(101);
  expect(await status({ origin: "http://evil.example" })).toBe(403);
  expect(await status({ origin: "null" })).toBe(403);
  expect(await status({ origin: `http://127.0.0.1:${demo.port + 1}` })).toBe(403);
  expect(await status({ origin: demo.url, host: "evil.example" })).toBe(403);
  expect(await status({ origin: demo.url }, "/elsewhere")).toBe(404);

  const other = await startProgram("e2e/servers/echo.ts");
  const page = await browser.newPage();
  try {
    await page.goto(other.url);
    const refused = page.waitForEvent("console", (message) => message.text().includes("403"));
    const error = await page.evaluate(
      (url) =>
        window.tideway.connect(url).then(
          () => "connected",
          (error) => `${error.code} ${error.message}`,
        ),
      `${demo.url.replace("http", "ws")}/tideway`,
    );
    expect(error).toMatch(/^ERR_CONNECTION_LOST Cannot connect/);
    await refused;
  } finally {
    await page.close();
    await other.stop();
  }
});

test("the page's files come with their types and a strict policy; other paths do not exist", async ({
  demo,
  request,
}) => {
  const types = {
    "/": "text/html; charset=utf-8",
    "/index.html": "text/html; charset=utf-8",
    "/main.js": "text/javascript; charset=utf-8",
    "/style.css": "text/css; charset=utf-8",
    "/icon.svg": "image/svg+xml; charset=utf-8",
    "/server.json": "application/json; charset=utf-8",
  };
  for (const [path, type] of Object.entries(types)) {
    const response = await request.get(demo.url + path);
    const headers = response.headers();
    expect([response.status(), headers["content-type"]]).toEqual([200, type]);
    expect(headers["content-security-policy"]).toContain(
      "default-src 'none'; script-src 'self'; style-src 'self'",
    );
    expect(headers["content-security-policy"]).not.toContain("unsafe");
    expect(headers["x-content-type-options"]).toBe("nosniff");
    const etag = headers["etag"] ?? "";
    expect((await request.get(demo.url + path, { headers: { "if-none-match": etag } })).status()).toBe(304);
  }
  for (const path of ["/contract.ts", "/main.ts", "/..%2fpackage.json", "/favicon.ico", "/tideway/x"]) {
    expect((await request.get(demo.url + path)).status(), path).toBe(404);
  }
  expect((await request.post(`${demo.url}/`)).status()).toBe(405);
});
