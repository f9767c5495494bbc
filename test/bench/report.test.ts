import { describe, expect, it } from "vitest";
import { toHtml } from "../../bench/report-page/html.ts";
import { toMarkdown } from "../../bench/report-page/markdown.ts";
import { subjectsOf } from "../../bench/report-page/subjects.ts";
import type { SavedRun } from "../../bench/saved.ts";

const COMMON = { group: "peers", id: "P6", name: "unary calls", unit: "calls/s", better: "higher" } as const;
const RUN: SavedRun = {
  date: "2026-11-21T10:00:00.000Z",
  runtime: "Node 20, 2 x processor",
  versions: { "socket.io": "4.8.4" },
  quick: false,
  figures: [
    { ...COMMON, samples: [900, 1_000, 1_100], peer: { name: "ws", samples: [2_000, 2_000, 2_000] } },
    {
      ...COMMON,
      samples: [900, 1_000, 1_100],
      peer: { name: "socket.io", samples: [100, 200, 300], configuration: "no | polling </script>" },
      target: { ratio: 5 },
    },
    {
      group: "core",
      id: "P1",
      name: "header",
      unit: "ns",
      better: "lower",
      samples: [20],
      target: { value: 12 },
    },
  ],
};

describe("subjectsOf()", () => {
  it("puts all peers of a figure together", () => {
    const [calls, header] = subjectsOf(RUN);
    expect(calls?.entries).toMatchObject([
      { name: "tideway", value: 1_000, spread: 0.2 },
      { name: "ws", value: 2_000, ratio: 0.5 },
      { name: "socket.io", value: 200, ratio: 5 },
    ]);
    expect(calls).toMatchObject({ target: ">= 5 x socket.io", met: true, runs: 3 });
    expect(header).toMatchObject({ entries: [{ name: "tideway", value: 20 }], met: false });
  });
});

describe("toMarkdown()", () => {
  const text = toMarkdown(RUN);

  it("names date, runtime, versions and how each was set up", () => {
    expect(text).toContain("2026-11-21T10:00:00.000Z");
    expect(text).toContain("Node 20, 2 x processor");
    expect(text).toContain("| socket.io | 4.8.4 |");
    expect(text).toContain("| socket.io | no \\| polling </script> |");
  });

  it("has a row for each contender, and a verdict", () => {
    expect(text).toContain("| tideway | 1,000 calls/s | 20 % |  |");
    expect(text).toContain("| socket.io | 200 calls/s | 100 % | 5 x |");
    expect(text).toContain("Target: >= 5 x socket.io: met.");
    expect(text).toContain("Target: <= 12 ns: **not met**.");
  });

  it("says so when the runs were short", () => {
    expect(text).not.toContain("--quick");
    expect(toMarkdown({ ...RUN, quick: true })).toContain("--quick");
  });
});

describe("toHtml()", () => {
  it("is one page that loads nothing, whatever the names are", async () => {
    const text = await toHtml(RUN);
    expect(text).not.toMatch(/(src|href)=/);
    expect(text.match(/<\/script>/g)).toHaveLength(2);
    const [, embedded = ""] = /id="run">(.*?)<\/script>/s.exec(text) ?? [];
    expect(JSON.parse(embedded)).toEqual(RUN);
  });
});
