import { describe, expect, test } from "vitest";
import * as browser from "../../src/browser/index.ts";
import * as bun from "../../src/bun/index.ts";
import * as deno from "../../src/edge/deno.ts";
import * as workers from "../../src/edge/workers.ts";

const added = (entry: object): string[] =>
  Object.keys(entry)
    .filter((name) => !(name in browser))
    .sort();

describe("entries of Deno, Bun and Workers", () => {
  test("have what pages have, and their servers besides", () => {
    expect(added(deno)).toEqual(["dialSocket", "serve", "serveWebTransport"]);
    expect(added(bun)).toEqual(["dialSocket", "serve"]);
    expect(added(workers)).toEqual(["DurableSessions", "handleUpgrade"]);
  });

  test("share the objects of the entry for pages; connect() of Deno and Bun knows more addresses", () => {
    for (const [name, value] of Object.entries(browser)) {
      for (const entry of [deno, bun, workers]) {
        if (name === "connect" && entry !== workers) continue;
        expect(new Map(Object.entries(entry)).get(name), name).toBe(value);
      }
    }
  });

  test.each([
    ["tideway/deno", () => deno.serve({ listen: ["ws://127.0.0.1:0"] })],
    ["tideway/bun", () => bun.serve({ listen: ["ws://127.0.0.1:0"] })],
  ])("%s says that this is another runtime", async (name, serve) => {
    await expect(serve()).rejects.toThrow(`Cannot use ${name}: this runtime is not`);
  });

  test("addresses that are not understood are refused", async () => {
    for (const address of ["nonsense", "http://127.0.0.1:0", "tcp://127.0.0.1", "unix:relative", ""]) {
      await expect(deno.serve({ listen: [address] })).rejects.toThrow(TypeError);
      await expect(bun.serve({ listen: [address] })).rejects.toThrow(TypeError);
    }
    expect(() => deno.dialSocket("tcp://127.0.0.1")).toThrow("Cannot connect to tcp://127.0.0.1");
    expect(() => bun.dialSocket("unix:relative")).toThrow("Cannot connect to unix:relative");
  });

  test("a request that is no upgrade is refused in a Worker", () => {
    const request = new Request("http://127.0.0.1/");
    expect(workers.handleUpgrade(request, {}).status).toBe(426);
    expect(new workers.DurableSessions({}).fetch(request).status).toBe(426);
  });
});
