import { describe, expect, test } from "vitest";
import { type Audit, audit, type Counts, verdictOf } from "./auditor.ts";
import { hashOf, Log, type LogEntry, readLog, writeLog } from "./log.ts";

const NONE: Counts = {
  ok: 0,
  recovered: 0,
  pending: 0,
  lost: 0,
  unexpected: 0,
  duplicated: 0,
  reordered: 0,
  corrupted: 0,
};

/** A history by hand: `i` intent, `a` ack, `d` delivery, each with the number of its record. */
function history(text: string, producer = "p"): LogEntry[] {
  let seq = 0;
  return text
    .split(" ")
    .filter((word) => word !== "")
    .map((word): LogEntry => {
      const n = Number(word.slice(1));
      if (word[0] === "a") return { kind: "ack", producer, n };
      const what = { producer, n, hash: `hash ${n}`, length: 10 };
      if (word[0] === "i") return { kind: "intent", ...what };
      return { kind: "delivery", stream: producer, seq: seq++, session: "s", epoch: 1, ...what };
    });
}

function judge(entries: readonly LogEntry[]): Audit {
  return audit(entries, { fired: 1, least: 1 });
}

describe("audit() of what is in order", () => {
  test.each([
    ["everything acknowledged and delivered", "i0 d0 a0 i1 d1 a1", { ok: 2 }],
    ["deliveries without acknowledgement", "i0 i1 d0 d1 a0", { ok: 1, recovered: 1 }],
    ["what was sent last and is not there yet", "i0 i1 i2 d0 a0", { ok: 1, pending: 2 }],
    ["logs of two processes, one behind the other", "d0 d1 i0 i1 a0 a1", { ok: 2 }],
  ])("%s is green", (_, text, counts) => {
    expect(judge(history(text))).toEqual({ counts: { ...NONE, ...counts }, verdict: "green", findings: [] });
  });

  test("producers do not wait for each other", () => {
    const entries = [...history("i0 i1 d0 d1 a0 a1", "p"), ...history("i0 d0 a0", "q")];
    expect(judge(entries)).toMatchObject({ counts: { ok: 3 }, verdict: "green" });
  });

  test("what Log writes is, as lines of JSON too", () => {
    const [client, server] = [new Log(), new Log()];
    for (let n = 0; n < 3; n++) {
      const record = { producer: "p", n, data: new Uint8Array([n, 2, 3]) };
      client.intent(record);
      server.delivery("stream", record, "s#1", 1);
    }
    client.ack("p", 3);
    const entries = [...client.entries, ...server.entries];
    expect(judge(entries)).toMatchObject({ counts: { ok: 3 }, verdict: "green" });
    expect(readLog(writeLog(entries))).toEqual(entries);
  });
});

describe("audit() of what is wrong", () => {
  test.each([
    ["lost: acknowledged, never delivered", "i0 i1 d0 a0 a1", { ok: 1, lost: 1 }],
    ["lost: a later one was delivered", "i0 i1 i2 d0 d2", { recovered: 2, lost: 1 }],
    ["unexpected: never sent", "i0 d0 a0 d1", { ok: 1, unexpected: 1 }],
    ["duplicated: twice", "i0 d0 a0 d0", { ok: 1, duplicated: 1 }],
    ["duplicated: all of it again", "i0 i1 d0 d1 d0 d1 a0 a1", { ok: 2, duplicated: 2 }],
    ["reordered: behind a later one", "i0 i1 i2 d0 d2 d1 a0 a1 a2", { ok: 3, reordered: 1 }],
  ])("%s is red", (_, text, counts) => {
    const { findings, ...rest } = judge(history(text));
    expect(rest).toEqual({ counts: { ...NONE, ...counts }, verdict: "red" });
    expect(findings.length).toBeGreaterThan(0);
  });

  test("one producer's delivery does not stand for another's", () => {
    const found = judge([...history("i0 a0", "p"), ...history("i0 d0 d1 a0", "q")]);
    expect(found).toMatchObject({ counts: { ok: 1, lost: 1, unexpected: 1 }, verdict: "red" });
  });

  test.each([{ hash: "another" }, { length: 9 }])("corrupted: %j is red", (change) => {
    const entries = history("i0 d0 a0").map((entry) =>
      entry.kind === "delivery" ? { ...entry, ...change } : entry,
    );
    expect(judge(entries)).toMatchObject({ counts: { corrupted: 1, lost: 0 }, verdict: "red" });
  });

  test("a bit that flips on the way is a corruption", () => {
    const log = new Log();
    log.intent({ producer: "p", n: 0, data: new Uint8Array([1, 2, 3]) });
    log.delivery("stream", { producer: "p", n: 0, data: new Uint8Array([1, 2, 2]) }, "s#1", 1);
    expect(judge(log.entries)).toMatchObject({ counts: { corrupted: 1 }, verdict: "red" });
  });

  test("a finding names the record and where it was delivered", () => {
    const entries = history("i0 d0 a0 d0").map((entry) =>
      entry.kind === "delivery" && entry.seq === 1 ? { ...entry, epoch: 2 } : entry,
    );
    expect(judge(entries).findings).toEqual([
      "duplicated: p 0 (10 bytes, hash 0) on p 1, session s, connection 2: first on p 0, session s, connection 1",
    ]);
  });
});

describe("audit() of what proves nothing", () => {
  test("a run with fewer faults than its least is invalid, not green", () => {
    const found = audit(history("i0 d0 a0"), { fired: 2, least: 3 });
    expect(found).toMatchObject({ verdict: "invalid", findings: ["invalid: 2 faults of 3 fired"] });
  });

  test("a run in which nothing was delivered is invalid", () => {
    expect(judge([]).verdict).toBe("invalid");
    expect(judge(history("i0 i1")).verdict).toBe("invalid");
  });

  test("a violation stays one in a run that is invalid", () => {
    expect(audit(history("i0 a0 i1 d1"), { fired: 0, least: 1 }).verdict).toBe("red");
  });

  test.each([
    ["a producer that leaves a number out", history("i0 i2 d0 a0")],
    ["an acknowledgement of what was not sent", history("i0 d0 a0 a1")],
    ["a log of a consumer with a hole", history("i0 i1 i2 d0 d1 d2").filter((_, at) => at !== 4)],
  ])("%s is not green", (_, entries) => {
    const { verdict, findings } = judge(entries);
    expect(verdict).not.toBe("green");
    expect(findings.join("\n")).toContain("invalid: ");
  });

  test("verdictOf() judges counts of many runs in the same way", () => {
    expect(verdictOf({ ...NONE, ok: 5 }, { fired: 5, least: 5 })).toBe("green");
    expect(verdictOf({ ...NONE, ok: 5 }, { fired: 4, least: 5 })).toBe("invalid");
    expect(verdictOf({ ...NONE, ok: 5, reordered: 1 }, { fired: 4, least: 5 })).toBe("red");
  });
});

test("hashOf() tells data apart", () => {
  expect(hashOf(new TextEncoder().encode("abc"))).toBe("ba7816bf8f01cfea");
  expect(hashOf(new Uint8Array(0))).toBe("e3b0c44298fc1c14");
});
