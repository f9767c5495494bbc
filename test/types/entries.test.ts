import { describe, expect, expectTypeOf, test } from "vitest";
import * as browser from "../../src/browser/index.ts";
import * as shared from "../../src/index.ts";
import * as nodeClient from "../../src/node/client.ts";
import * as node from "../../src/node/index.ts";

/** Where threads differ: what tells of the end of one. */
const THREADS = [
  "acceptPort",
  "connectPort",
  "connectWorker",
  "dialWorker",
  "pool",
  "servePool",
  "serveWorker",
];

const names = (entry: object): string[] => Object.keys(entry).sort();

describe("entries", () => {
  test("browsers and Node clients have the same names", () => {
    expect(names(browser)).toEqual(names(nodeClient));
    expect(names(browser)).toEqual(
      [...names(shared), "connect", "dialWebSocket", "dialWebTransport", ...THREADS].sort(),
    );
  });

  test("tideway/node has the server and sockets besides, and nothing less", () => {
    expect(names(node).filter((name) => !names(browser).includes(name))).toEqual([
      "SocketTransport",
      "dial",
      "serve",
      "serveWebTransport",
    ]);
    expect(names(browser).filter((name) => !names(node).includes(name))).toEqual([]);
  });

  test("what is the same is the same object", () => {
    const entries = [browser, nodeClient, node].map((entry) => new Map(Object.entries(entry)));
    for (const [name, value] of Object.entries(shared)) {
      for (const entry of entries) expect(entry.get(name)).toBe(value);
    }
  });

  test("connect() of Node takes what that of browsers takes, and headers", () => {
    expectTypeOf<Parameters<typeof browser.connect>[0]>().toEqualTypeOf<Parameters<typeof node.connect>[0]>();
    expectTypeOf<NonNullable<Parameters<typeof node.connect>[1]>>().toExtend<
      NonNullable<Parameters<typeof browser.connect>[1]>
    >();
    expectTypeOf<ReturnType<typeof browser.connect>>().toEqualTypeOf<ReturnType<typeof node.connect>>();
    const options: Parameters<typeof node.connect>[1] = { headers: { cookie: "a=b" } };
    // @ts-expect-error a browser sets no headers
    const wrong: Parameters<typeof browser.connect>[1] = { headers: { cookie: "a=b" } };
    expect([options, wrong]).toHaveLength(2);
  });
});
