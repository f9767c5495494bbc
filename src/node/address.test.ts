import { describe, expect, test } from "vitest";
import { TransportError } from "../core/errors.ts";
import { addressError, parseAddress, type SocketAddress, urlOf } from "./address.ts";

describe("parseAddress()", () => {
  test.each([
    ["tcp://127.0.0.1:0", { kind: "tcp", host: "127.0.0.1", port: 0 }],
    ["tcp://example.com:4000/", { kind: "tcp", host: "example.com", port: 4000 }],
    ["tcp://[::1]:4000", { kind: "tcp", host: "::1", port: 4000 }],
    ["tls://example.com:443", { kind: "tls", host: "example.com", port: 443 }],
    ["ipc:web", { kind: "ipc", name: "web" }],
    ["ipc:..", { kind: "ipc", name: ".." }],
    [`ipc:${"A-z_0.9".repeat(9)}x`, { kind: "ipc", name: `${"A-z_0.9".repeat(9)}x` }],
  ])("understands %s, and urlOf() gives it back", (text, address) => {
    for (const verb of ["listen on", "connect to"] as const)
      expect(parseAddress(text, verb)).toEqual(address);
    expect(parseAddress(new URL(text), "connect to")).toEqual(address);
    expect(urlOf(address as SocketAddress)).toBe(text.replace(/\/$/, ""));
  });

  test("takes ws: and wss:", () => {
    for (const verb of ["connect to", "listen on"] as const)
      for (const address of ["ws://a.com/x", "wss://a.com/x"])
        expect(parseAddress(address, verb)).toMatchObject({ kind: "websocket" });
  });

  test.each([
    "tcp://127.0.0.1",
    "tcp://:80",
    "tcp://a:99999",
    "tcp://a:1/path",
    "tcp://a:1?query",
    "tcp://a:1#part",
    "tcp://user:pass@a:1",
    "tcp:a:1",
    "tls://a",
    "ipc:",
    "ipc:a/b",
    "ipc:a\\b",
    "ipc:/tmp/a",
    "ipc://a",
    "ipc:ü",
    "ipc:a\n",
    "ipc:a\0b",
    `ipc:${"a".repeat(65)}`,
    "http://a",
    "unix:/a",
    "",
  ])("refuses %j", (text) => {
    for (const verb of ["listen on", "connect to"] as const)
      expect(() => parseAddress(text, verb)).toThrow(
        new RegExp(`^Cannot ${verb} [^]*: expected ws[^]*, tcp://host:port, tls://host:port or ipc:`),
      );
  });
});

describe("addressError()", () => {
  test("names the address and the cause", () => {
    const cause = new Error("connect ECONNREFUSED");
    const error = addressError("connect to", "tcp://a:1", cause);
    expect(error).toBeInstanceOf(TransportError);
    expect(error).toMatchObject({ message: "Cannot connect to tcp://a:1: connect ECONNREFUSED", cause });
  });

  test("says what the attempts at several addresses of a name have met", () => {
    const errors = ["refused ::1", "refused 127.0.0.1", "refused ::1"].map((text) => new Error(text));
    expect(addressError("connect to", "tcp://localhost:1", new AggregateError(errors)).message).toBe(
      "Cannot connect to tcp://localhost:1: refused ::1; refused 127.0.0.1",
    );
  });
});
