import { describe, expect, test } from "vitest";
import { Admission, type AdmissionOptions } from "./admission.ts";

/** The status of the refusal; `undefined` when the request may go on. */
function check(
  options: AdmissionOptions,
  headers: { host?: string; origin?: string },
  remoteAddress = "127.0.0.1",
): number | undefined {
  return new Admission(options).check(headers, remoteAddress)?.status;
}

describe("origins", () => {
  test.each([
    ["https://example.com", "example.com", undefined],
    ["https://example.com", "EXAMPLE.com", undefined],
    ["https://example.com:8443", "example.com:8443", undefined],
    ["http://[::1]:80", "[::1]", undefined],
    ["https://example.com:8443", "example.com", 403],
    ["https://evil.com", "example.com", 403],
    ["https://example.com.evil.com", "example.com", 403],
    ["https://evil.com?example.com", "example.com", 403],
    ["null", "example.com", 403],
    ["", "example.com", 403],
    ["file://", "example.com", 403],
  ])("by default %s may not reach %s unless it is the same (%s)", (origin, host, status) => {
    expect(check({}, { origin, host })).toBe(status);
    expect(check({ origins: "same-origin" }, { origin, host })).toBe(status);
  });

  test("without an Origin header, which no browser leaves out, is let in", () => {
    expect(check({}, { host: "example.com" })).toBe(undefined);
    expect(check({ origins: ["https://a.com"] }, { host: "example.com" })).toBe(undefined);
  });

  test("a list lets in what it names, however it is written", () => {
    const origins = ["https://App.example.com/", "http://localhost:3000", "chrome-extension://abc"];
    for (const origin of ["https://app.example.com", "http://localhost:3000", "chrome-extension://abc"]) {
      expect(check({ origins }, { origin, host: "x" })).toBe(undefined);
    }
    for (const origin of [
      "https://example.com",
      "http://app.example.com",
      "http://localhost",
      "https://x",
      "null",
    ]) {
      expect(check({ origins }, { origin, host: "x" })).toBe(403);
    }
  });

  test("one text is one origin, not all its parts", () => {
    const origins = "https://example.com" as never;
    expect(check({ origins }, { origin: "https://example.com", host: "x" })).toBe(undefined);
    expect(check({ origins }, { origin: "https://example.co", host: "x" })).toBe(403);
    expect(check({ origins }, { origin: "", host: "x" })).toBe(403);
  });

  test('"*" lets all in', () => {
    expect(check({ origins: "*" }, { origin: "https://evil.com", host: "x" })).toBe(undefined);
    expect(check({ origins: "*" }, { origin: "null" })).toBe(undefined);
  });

  test.each(["example.com", "https://example.com/path", "*.example.com", ""])(
    "refuses the entry %j",
    (origin) => {
      expect(() => new Admission({ origins: [origin] })).toThrow("expected https://host[:port]");
    },
  );
});

describe("a connection without a request", () => {
  test("has neither host nor origin, and is counted", () => {
    const admission = new Admission({ hosts: ["example.com"], origins: [], maxConnections: 1 });
    expect(admission.check(undefined, "")).toBe(undefined);
    expect(admission.check({}, "")?.status).toBe(403);
    const place = admission.enter("");
    expect(admission.check(undefined, "")?.status).toBe(503);
    place.leave();
    const crowded = new Admission({ maxPendingPerAddress: 1 });
    crowded.enter("a");
    expect([crowded.check(undefined, "a")?.status, crowded.check(undefined, "b")]).toEqual([429, undefined]);
  });

  test("a request that comes after it was counted is not counted again", () => {
    const admission = new Admission({ hosts: ["example.com"], maxConnections: 1 });
    admission.enter("");
    expect(admission.checkHead({ host: "example.com:443" })).toBe(undefined);
    expect(admission.checkHead({ host: "10.0.0.1" })?.status).toBe(403);
  });
});

describe("hosts", () => {
  const hosts = ["Example.com", "127.0.0.1", "[::1]"];

  test.each(["example.com", "EXAMPLE.COM:8080", "127.0.0.1:1", "[::1]", "[::1]:80"])("serves %s", (host) => {
    expect(check({ hosts }, { host })).toBe(undefined);
  });

  test.each(["evil.com", "example.com.evil.com", "[::2]:80", "", ":80"])("refuses %j", (host) => {
    expect(check({ hosts }, { host })).toBe(403);
  });

  test("refuses a request without Host", () => {
    expect(check({ hosts }, {})).toBe(403);
  });

  test("refuses an entry with a port", () => {
    expect(() => new Admission({ hosts: ["a.com:80"] })).toThrow("expected a name without port");
  });
});

describe("counts", () => {
  test("maxConnections bounds all that are open", () => {
    const admission = new Admission({ maxConnections: 2 });
    const places = ["a", "b"].map((address) => admission.enter(address));
    places[0]?.letIn();
    expect(admission.open).toBe(2);
    expect(admission.check({}, "127.0.0.1")).toEqual({ status: 503, reason: "Too many connections" });
    places[0]?.leave();
    expect(admission.open).toBe(1);
    expect(admission.check({}, "127.0.0.1")).toBe(undefined);
  });

  test("maxPendingPerAddress bounds those of one address that are not let in", () => {
    const admission = new Admission({ maxPendingPerAddress: 2 });
    const places = [1, 2].map(() => admission.enter("127.0.0.1"));
    expect(admission.check({}, "127.0.0.1")).toEqual({ status: 429, reason: "Too many handshakes" });
    expect(admission.check({}, "127.0.0.2")).toBe(undefined);
    places[0]?.letIn();
    places[0]?.letIn();
    expect(admission.check({}, "127.0.0.1")).toBe(undefined);
    admission.enter("127.0.0.1");
    expect(admission.check({}, "127.0.0.1")?.status).toBe(429);
    places[1]?.leave();
    expect(admission.check({}, "127.0.0.1")).toBe(undefined);
  });

  test("an option that is undefined is not there", () => {
    const admission = new Admission({ maxConnections: undefined, maxPendingPerAddress: undefined } as never);
    for (let i = 0; i < 64; i++) admission.enter("127.0.0.1");
    expect(admission.check({}, "127.0.0.1")?.status).toBe(429);
  });
});
