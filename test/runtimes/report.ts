import type { Cell } from "./matrix.ts";
import { CASES } from "./suite/cases.ts";

/** What the table is made of. */
export interface Outcome {
  readonly cells: readonly Cell[];
  /** Names and versions. */
  readonly versions: readonly string[];
}

/** Cases of a cell that passed, out of those that it has. */
function count({ results }: Cell): string {
  const run = results.filter(({ outcome }) => outcome !== "skipped");
  return `${run.filter(({ outcome }) => outcome === "passed").length}/${run.length}`;
}

function table({ cells }: Outcome, transport: Cell["transport"]): string[] {
  const own = cells.filter((cell) => cell.transport === transport);
  const clients = [...new Set(own.map(({ client }) => client))];
  const servers = [...new Set(own.map(({ server }) => server))];
  const row = (client: string) =>
    servers.map((server) => {
      const cell = own.find((other) => other.client === client && other.server === server);
      return cell === undefined ? "-" : count(cell);
    });
  return [
    `| client \\ server | ${servers.join(" | ")} |`,
    `|---|${servers.map(() => "---").join("|")}|`,
    ...clients.map((client) => `| ${client} | ${row(client).join(" | ")} |`),
  ];
}

function skippedLines({ cells }: Outcome): string[] {
  const servers = new Map<string, Set<string>>();
  for (const { server, results } of cells) {
    for (const { name, outcome } of results) {
      if (outcome === "skipped") servers.set(name, (servers.get(name) ?? new Set()).add(server));
    }
  }
  return [...servers].map(([name, names]) => `- Not tested against a ${[...names].join(", ")}: ${name}.`);
}

/** docs/runtimes.md, between its markers. */
export function renderTables(outcome: Outcome): string {
  const { cells } = outcome;
  const transports = [...new Set(cells.map(({ transport }) => transport))];
  return [
    `Tested with ${outcome.versions.join(", ")}.`,
    ...transports.flatMap((transport) => ["", `### ${transport}`, "", ...table(outcome, transport)]),
    "",
    `The ${CASES.length} cases of the suite:`,
    "",
    ...CASES.map(({ name }) => `- ${name}`),
    "",
    ...skippedLines(outcome),
  ]
    .join("\n")
    .trimEnd();
}

const BEGIN = "<!-- written by npm run runtimes -- --write -->";
const END = "<!-- end -->";

/** `page` with other tables. @throws {Error} when it has no place for them. */
export function replaceTables(page: string, tables: string): string {
  const [from, to] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (from < 0 || to < from) throw new Error(`Cannot find ${BEGIN} and ${END} in docs/runtimes.md`);
  return `${page.slice(0, from)}${BEGIN}\n\n${tables}\n\n${page.slice(to)}`;
}

/** A page without what differs from machine to machine: versions. */
export function withoutVersions(page: string): string {
  return page.replace(/^Tested with .*$/m, "").replaceAll(/Node \d+/g, "Node");
}
