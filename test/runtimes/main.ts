// Runs the session suite in every runtime against every other: npm run runtimes -- [--write] [--only <text>]
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CACHE, ROOT } from "../../scripts/paths.mjs";
import { writeCounts } from "../../scripts/reporters/counts.mjs";
import { makeCertificate } from "../certificate.ts";
import { checkAddresses } from "./addresses.ts";
import { checkDeterminism } from "./determinism.ts";
import { checkExamples } from "./examples.ts";
import { type Binaries, findRuntimes } from "./install.ts";
import {
  type Cell,
  type MatrixTransport,
  Programs,
  RINGS,
  RUNTIMES,
  type Runtime,
  runCell,
  runThreads,
  TRANSPORTS,
} from "./matrix.ts";
import { checkNatives } from "./natives.ts";
import { type Check, check, checkUpgrades, openSilent } from "./refusals.ts";
import { renderTables, replaceTables, withoutVersions } from "./report.ts";
import { TLS_VARIABLE } from "./suite/tls.ts";

const PAGE = join(ROOT, "docs", "runtimes.md");
/** Longer than servers wait for clients that do not answer. */
const MOST_CLOSE_MS = 10_000;
const CONTRACT_CONFIG = join(ROOT, "test/runtimes/contract/vitest.config.ts");
const CONTRACT_MS = 240_000;

/** What is counted over everything. */
const counts = { passed: 0, failed: 0, skipped: 0 };

function report({ name, problem }: Check): void {
  if (problem === undefined) counts.passed++;
  else counts.failed++;
  console.log(
    `${problem === undefined ? "ok  " : "FAIL"} ${name}${problem === undefined ? "" : `: ${problem}`}`,
  );
}

function reportCell({ client, server, transport, results, problem }: Cell): void {
  for (const { outcome } of results) counts[outcome]++;
  if (problem !== undefined) counts.failed++;
  const passed = results.filter(({ outcome }) => outcome === "passed").length;
  const ms = results.reduce((sum, result) => sum + result.ms, 0);
  const failed = results.filter(({ outcome }) => outcome === "failed");
  const good = problem === undefined && failed.length === 0;
  console.log(`${good ? "ok  " : "FAIL"} ${transport}: ${client} -> ${server}, ${passed} cases, ${ms} ms`);
  for (const { name, problem: why } of failed) console.log(`     ${name}: ${why}`);
  if (problem !== undefined) console.log(`     ${problem}`);
}

/** All clients against one server, then what the server does besides, then its end. */
async function runServer(
  programs: Programs,
  runtime: Runtime,
  transport: MatrixTransport,
  wanted: (name: string) => boolean,
): Promise<Cell[]> {
  const clients = RUNTIMES.filter(
    ({ name, dials }) => dials.includes(transport) && wanted(`${transport}: ${name} -> ${runtime.name}`),
  );
  if (clients.length === 0) return [];
  const { server, url } = await programs.serve(runtime, transport);
  const cells: Cell[] = [];
  for (const client of clients) {
    const cell = await runCell(programs, client, runtime, transport, url);
    reportCell(cell);
    cells.push(cell);
  }
  const label = `${transport} server in ${runtime.name}`;
  const isWorker = runtime.kind === "workerd" || runtime.kind === "plainWorker";
  if (transport === "WebSocket") {
    for (const { name, ...rest } of await checkUpgrades(url, isWorker))
      report({ name: `${label}: ${name}`, ...rest });
  }
  const endSilent = await openSilent(url);
  report(
    await check(`${label}: closes, although a client says nothing`, async () => {
      const start = performance.now();
      const last = await server.stop();
      const ms = performance.now() - start;
      if (last !== "CLOSED 0 0") throw new Error(`It printed:\n${server.output.slice(-15).join("\n")}`);
      if (ms > MOST_CLOSE_MS) throw new Error(`It took ${Math.round(ms)} ms`);
    }),
  );
  endSilent();
  return cells;
}

function readVersions({ newestNode, deno, bun }: Binaries): string[] {
  const ask = (program: string) =>
    execFileSync(program, ["--version"], { encoding: "utf8" }).split("\n")[0] ?? "";
  const { version } = JSON.parse(
    readFileSync(join(ROOT, "test/runtimes/node_modules/workerd/package.json"), "utf8"),
  ) as { readonly version: string };
  return [
    `Node ${process.versions.node}`,
    `Node ${ask(newestNode).slice(1)}`,
    `Deno ${ask(deno).split(" ")[1]}`,
    `Bun ${ask(bun)}`,
    `workerd ${version}`,
  ];
}

/** Two at a time, in order. */
async function pool<T>(jobs: readonly (() => Promise<T>)[]): Promise<T[]> {
  const results: T[] = [];
  let next = 0;
  const work = async () => {
    for (let at = next++; at < jobs.length; at = next++) results[at] = await (jobs[at] as () => Promise<T>)();
  };
  await Promise.all([work(), work()]);
  return results;
}

async function main(args: readonly string[]): Promise<void> {
  const only = args.includes("--only") ? (args[args.indexOf("--only") + 1] ?? "") : "";
  const binaries = findRuntimes();
  const programs = new Programs(binaries);
  // Names of sockets are those of this run, and programs know its certificate.
  const sockets = mkdtempSync(join(tmpdir(), "tideway-runtimes-"));
  process.env["XDG_RUNTIME_DIR"] = sockets;
  process.env[TLS_VARIABLE] = JSON.stringify(makeCertificate());
  try {
    const jobs = TRANSPORTS.flatMap((transport) =>
      RUNTIMES.filter(({ serves }) => serves.includes(transport)).map(
        (runtime) => () =>
          runServer(programs, runtime, transport, (name) => name.includes(only)).catch((error: unknown) => {
            const problem = error instanceof Error ? error.message : String(error);
            report({ name: `${transport} server in ${runtime.name}`, problem });
            return [];
          }),
      ),
    );
    // Those that can start a worker of their own.
    for (const runtime of RUNTIMES.filter(({ dials }) => dials.length > 0)) {
      jobs.push(async () => {
        if (!`${RINGS}: ${runtime.name}`.includes(only)) return [];
        const cell = await runThreads(programs, runtime);
        reportCell(cell);
        return [cell];
      });
    }
    const cells = (await pool(jobs)).flat();
    for (const kind of ["node", "deno", "bun"] as const)
      if (`addresses in ${kind}`.includes(only))
        for (const result of await checkAddresses(programs, kind)) report(result);
    for (const kind of ["node", "newestNode", "deno", "bun"] as const)
      if (`native code in ${kind}`.includes(only))
        for (const result of await checkNatives(programs, kind)) report(result);
    if (only === "") {
      for (const part of ["deno", "bun"] as const) runContract(binaries, part);
      const processes = RUNTIMES.filter(({ dials, serves }) => dials.length > 0 && serves.length > 0);
      for (const result of await checkDeterminism(programs, processes)) report(result);
      for (const example of await checkExamples(binaries)) report(example);
    }
    if (only === "")
      checkPage(args.includes("--write"), renderTables({ cells, versions: readVersions(binaries) }));
  } finally {
    await programs.close();
    rmSync(sockets, { recursive: true, force: true });
  }
}

/** The contract of transports, inside the runtime that they are for. */
function runContract({ deno, bun }: Binaries, runtime: "deno" | "bun"): void {
  const vitest = [join(ROOT, "node_modules/vitest/vitest.mjs"), "run", "--config", CONTRACT_CONFIG];
  const [program, ...args] =
    runtime === "deno" ? [deno, "run", "--allow-all", "--no-lock", ...vitest] : [bun, "--bun", ...vitest];
  const path = join(CACHE, "runtimes", `${runtime}-counts.json`);
  rmSync(path, { force: true });
  const { status, stdout } = spawnSync(program as string, args, {
    cwd: ROOT,
    env: { ...process.env, TIDEWAY_COUNTS: path, NO_COLOR: "1" },
    encoding: "utf8",
    timeout: CONTRACT_MS,
  });
  const name = `transports in ${runtime}`;
  if (!existsSync(path)) return report({ name, problem: `no counts, exit code ${status}\n${stdout}` });
  const { passed, failed } = JSON.parse(readFileSync(path, "utf8")) as typeof counts;
  counts.passed += passed;
  counts.failed += failed;
  if (status !== 0 || failed > 0) console.log(stdout);
  report({ name: `${name}: ${passed} tests`, ...(status === 0 ? {} : { problem: `exit code ${status}` }) });
}

function checkPage(write: boolean, tables: string): void {
  const page = readFileSync(PAGE, "utf8");
  const wanted = replaceTables(page, tables);
  if (write) writeFileSync(PAGE, wanted);
  const same = write || withoutVersions(page) === withoutVersions(wanted);
  const name = "docs/runtimes.md says what came out";
  report(same ? { name } : { name, problem: "run `npm run runtimes -- --write`" });
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  report({ name: "runtimes", problem: error instanceof Error ? error.message : String(error) });
}
writeCounts(counts);
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exit(counts.failed > 0 ? 1 : 0);
