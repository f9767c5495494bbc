import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { selfImportPlugin } from "../../scripts/bundle.mjs";
import { ROOT } from "../../scripts/paths.mjs";
import type { Programs, Runtime } from "./matrix.ts";
import { runProgram, startServer } from "./processes.ts";
import type { NativePeerOptions, NativeReport } from "./programs/native-peer.ts";
import { type Check, check } from "./refusals.ts";
import { equal } from "./suite/assert.ts";

type Kind = Runtime["kind"];

/** How one side is told to use what its runtime has, or not to. */
interface Side {
  readonly name: string;
  readonly env: NodeJS.ProcessEnv;
  readonly options: NativePeerOptions;
}

const NATIVE: Side = { name: "native", env: { TIDEWAY_NATIVE: "1" }, options: {} };
const BY_ENVIRONMENT: Side = { name: "TIDEWAY_NATIVE=0", env: { TIDEWAY_NATIVE: "0" }, options: {} };
const BY_OPTION: Side = { name: "native: false", env: { TIDEWAY_NATIVE: "1" }, options: { native: false } };
const PAIRS: readonly (readonly [server: Side, client: Side])[] = [
  [NATIVE, NATIVE],
  [NATIVE, BY_ENVIRONMENT],
  [BY_ENVIRONMENT, NATIVE],
  [NATIVE, BY_OPTION],
  [BY_OPTION, NATIVE],
];
const RUN_MS = 60_000;
/** A third of what a client sends. */
const LEAST_SAVED_BYTES = 140_000;

/** The switches of native code in one runtime: what they turn off is not used, and both sides understand each other. */
export async function checkNatives(programs: Programs, kind: Kind): Promise<Check[]> {
  const checks: Check[] = [];
  for (const [server, client] of PAIRS)
    checks.push(
      await check(`native code in ${kind}: server ${server.name}, client ${client.name}`, () =>
        checkPair(programs, kind, server, client),
      ),
    );
  checks.push(
    await check(`native code in ${kind}: a missing package is told once`, () => checkMissing(programs, kind)),
  );
  return checks;
}

function reportOf(lines: readonly string[]): NativeReport {
  const line = lines.find((text) => text.startsWith("USED "));
  if (line === undefined) throw new Error(`It printed no report:\n${lines.join("\n")}`);
  return JSON.parse(line.slice("USED ".length)) as NativeReport;
}

async function checkPair(programs: Programs, kind: Kind, server: Side, client: Side): Promise<void> {
  const command = await programs.nativePeer(kind);
  const running = await startServer([...command, JSON.stringify(server.options)], server.env);
  let used: NativeReport;
  try {
    const options = { ...client.options, url: running.urls[0] ?? "" };
    used = reportOf(await runProgram([...command, JSON.stringify(options)], RUN_MS, client.env));
  } finally {
    await running.stop();
  }
  const served = reportOf(running.output);
  const bothNative = server === NATIVE && client === NATIVE;
  checkSide(kind, "server", server, served, bothNative);
  checkSide(kind, "client", client, used, bothNative);
  const saves = used.saved.map((bytes) => bytes > LEAST_SAVED_BYTES);
  const common = used.found.map((name) => served.found.includes(name));
  equal(saves, common, `sessions that save bytes, of ${used.found} with ${served.found}`);
}

/** @param bothNative - only then both have Zstandard, and use it */
function checkSide(
  kind: Kind,
  role: "server" | "client",
  side: Side,
  { counts, found }: NativeReport,
  bothNative: boolean,
): void {
  const native = side === NATIVE;
  const hashes = role === "server" && native;
  const wanted = {
    wasmLz4: native,
    zlibDeflate: native,
    zlibInflate: native,
    zlibZstd: bothNative && kind !== "node", // which takes a package for it
    nodeHash: hashes,
    webDigest: role === "server" && !hashes,
    writev: native && (kind === "node" || kind === "newestNode"),
  };
  const seen = Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, count > 0]));
  equal(seen, wanted, `what the ${role} has used`);
  equal(found, native ? ["lz4", "deflate", "zstd"] : ["lz4", "deflate"], `what the ${role} has found`);
}

/** What Node 20 tells, which has no Zstandard of its own, and what all others tell. */
const TOLD: Readonly<Record<"old" | "all", readonly string[]>> = {
  old: ["zstd, way 2 of 4 zstd-napi", "zstd, way 3 of 4 zstd-wasm"],
  all: ["zstd, way 1 of 1 zstd-wasm"],
};

/** In a program that lies where no package is found. */
async function checkMissing(programs: Programs, kind: Kind): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "tideway-missing-"));
  try {
    const outfile = join(folder, "missing.mjs");
    await build({
      entryPoints: [join(ROOT, "test/runtimes/programs/native-missing.ts")],
      outfile,
      absWorkingDir: ROOT,
      bundle: true,
      platform: "node",
      format: "esm",
      target: "es2022",
      logLevel: "warning",
      plugins: [selfImportPlugin([kind === "deno" || kind === "bun" ? kind : "node", "default"])],
    });
    const [program, ...args] = programs.commandOf(kind, outfile);
    const old = kind === "node" && Number(process.versions.node.split(".")[0]) < 22;
    const wanted = [...(old ? TOLD.old : []), ...TOLD.all];
    for (const section of ["other", "tideway"]) {
      const { stderr, stdout } = spawnSync(program, args, {
        env: { ...process.env, NODE_DEBUG: section, TIDEWAY_NATIVE: "1" },
        encoding: "utf8",
        timeout: RUN_MS,
      });
      const found = (old ? "FOUND lz4\n" : "FOUND zstd lz4\n").repeat(3) + "FOUND lz4\n".repeat(3);
      equal(stdout, found, `what was found: ${stderr}`);
      const told = stderr.split("\n").filter((line) => line !== "");
      const shown = told.map((line) =>
        /^TIDEWAY \d+: (zstd, way \d of \d): .*(zstd-napi|zstd-wasm)/.exec(line),
      );
      const names = shown.map((match) => (match === null ? "?" : `${match[1]} ${match[2]}`));
      equal(names, section === "tideway" ? wanted : [], `what was told: ${stderr}`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
