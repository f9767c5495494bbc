import { describe, expect, test } from "vitest";
import {
  closeCodeOf,
  ErrorCode,
  type ErrorName,
  errorName,
  ProtocolError,
  StateError,
  StreamError,
  TransportError,
  WireError,
} from "./errors.ts";

describe("errorName()", () => {
  test("gives the name of each number, and ERR_INTERNAL for numbers of later versions", () => {
    for (const [name, code] of Object.entries(ErrorCode)) expect(errorName(code)).toBe(name);
    for (const code of [29, 1_000, -1, 1.5, Number.MAX_SAFE_INTEGER])
      expect(errorName(code)).toBe("ERR_INTERNAL");
  });

  test("numbers stand as they are in protocol.md", () => {
    expect(Object.values(ErrorCode)).toEqual(Array.from({ length: 29 }, (_, i) => i));
  });
});

describe("closeCodeOf()", () => {
  test("gives every error a code that a WebSocket may send", () => {
    for (const name of Object.keys(ErrorCode) as ErrorName[]) {
      const code = closeCodeOf(name);
      expect(code === 1_000 || (code >= 3_000 && code < 5_000)).toBe(true);
    }
  });
});

describe("errors", () => {
  test("have their class as name, a stable code, and a cause where there is one", () => {
    const cause = new Error("why");
    expect(new ProtocolError("ERR_FLOW", "m")).toMatchObject({
      name: "ProtocolError",
      code: "ERR_FLOW",
      message: "m",
    });
    expect(new TransportError("m", { cause })).toMatchObject({
      name: "TransportError",
      code: "ERR_CONNECTION_LOST",
      cause,
    });
    expect(new TransportError("m", { code: "ERR_TIMEOUT" }).code).toBe("ERR_TIMEOUT");
    expect(new StateError("m")).toMatchObject({ name: "StateError", code: "ERR_STATE" });
    expect(new StreamError("ERR_CANCELLED", "m", { cause })).toMatchObject({ name: "StreamError", cause });
    for (const error of [new StateError("m"), new StreamError("ERR_NONE", "m"), new TransportError("m")]) {
      expect(error).toBeInstanceOf(WireError);
    }
  });
});
