import { describe, expect, it } from "vitest";
import { toHtml } from "../../bench/report-page/html.ts";
import { toMarkdown } from "../../bench/report-page/markdown.ts";
import { ROWS } from "../../bench/report-page/rows.ts";
import { subjectsOf } from "../../bench/report-page/subjects.ts";
import { describeVerdicts, verdictsOf } from "../../bench/report-page/verdicts.ts";
import { mergeRuns, type SavedRun } from "../../bench/saved.ts";

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

describe("verdictsOf()", () => {
  const verdicts = verdictsOf(RUN);
  const of = (id: string) => verdicts.find(({ row }) => row.id === id);

  it("has every row from P1 to P20, measured or not", () => {
    expect(ROWS.map(({ id }) => id)).toEqual(Array.from({ length: 20 }, (_, index) => `P${index + 1}`));
    expect(verdicts.map(({ row }) => row)).toEqual(ROWS);
    expect(of("P2")).toMatchObject({ verdict: "not measured", judged: [] });
  });

  it("calls a row met when each of its figures is, and lets the worst of them decide", () => {
    expect(of("P6")).toMatchObject({ verdict: "met", judged: [{ ours: "1,000 calls/s", ratio: "5 x" }] });
    expect(of("P1")).toMatchObject({ verdict: "short", judged: [{ ours: "20 ns", attained: 0.6 }] });
    const [, , header] = RUN.figures;
    const better = { ...header!, name: "other header", samples: [10] };
    const both = verdictsOf({ ...RUN, figures: [better, header!] })[0];
    expect(both?.judged.map(({ name }) => name)).toEqual(["header", "other header"]);
    expect(both?.verdict).toBe("short");
  });

  it("is summed up in a sentence", () => {
    const text = describeVerdicts(verdicts);
    expect(text).toContain("1 of 20 rows are met. Short: P1. Not measured: P2, P3,");
  });
});

describe("mergeRuns()", () => {
  const [calls, , header] = RUN.figures;
  const first = { ...RUN, quick: true, figures: [calls!, header!] };
  const faster = { ...header!, samples: [9] };
  const other = { ...header!, name: "another header", samples: [8] };
  const merged = mergeRuns([
    ["a", first],
    ["b", { ...RUN, date: "2026-11-22T10:00:00.000Z", figures: [faster, other] }],
  ]);

  it("takes each bench from the last run that has it, whole", () => {
    expect(merged.figures.map(({ id, samples }) => [id, samples])).toEqual([
      ["P6", calls!.samples],
      ["P1", [9]],
      ["P1", [8]],
    ]);
  });

  it("keeps which figures are of short runs, and names the runs", () => {
    expect(merged.figures.map(({ quick }) => quick)).toEqual([true, false, false]);
    expect(merged.quick).toBe(false);
    const text = toMarkdown(merged);
    expect(text).toContain("- `a`, 2026-11-21T10:00:00.000Z with `--quick`");
    expect(text).toContain("- `b`, 2026-11-22T10:00:00.000Z\n");
  });

  it("leaves one run as it is, and refuses none", () => {
    expect(mergeRuns([["a", first]])).toBe(first);
    expect(() => mergeRuns([])).toThrow(RangeError);
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

  it("begins with a verdict for each row", () => {
    const head = text.slice(0, text.indexOf("## Every figure"));
    for (const { id } of ROWS) expect(head).toContain(`\n| ${id} |`);
    expect(head).toMatch(
      /\| P6 \|.*\| 1,000 calls\/s \(peers: unary calls\) \| socket\.io 200 calls\/s \| 5 x \| met \|/,
    );
    expect(head).toMatch(/\| P1 \|.*\| \*\*short\*\* \|/);
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
