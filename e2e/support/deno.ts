import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { bundleForWeb } from "../../scripts/bundle.mjs";
import { requireDeno } from "../../scripts/deno.mjs";
import { CACHE, ROOT } from "../../scripts/paths.mjs";
import { type Certificate, makeCertificate } from "../../test/wt-pair.ts";

const START_MS = 20_000;

/** A Deno program that serves. */
export interface DenoProgram {
  /** The URLs that it has printed, in order. */
  readonly urls: readonly string[];
  readonly output: readonly string[];
  readonly certificate: Certificate;
  stop(): Promise<void>;
}

/**
 * Start a Deno program with a certificate of its own, and wait until it prints a line of URLs.
 * @param entry - relative to the package
 * @param page - the script of its page, relative to the package; its bundle's path is in `PAGE_SCRIPT`
 * @throws {Error} with what it printed, when it ends or takes too long.
 */
export async function startDeno(
  entry: string,
  page?: string,
  env: Readonly<Record<string, string>> = {},
): Promise<DenoProgram> {
  const deno = requireDeno();
  await mkdir(CACHE, { recursive: true });
  const folder = await mkdtemp(join(CACHE, "deno-"));
  const certificate = makeCertificate();
  const files = { program: join(folder, "program.mjs"), page: join(folder, "page.js") };
  await bundleForWeb(join(ROOT, entry), files.program, ["deno", "default"]);
  if (page !== undefined) await bundleForWeb(join(ROOT, page), files.page, ["browser", "default"]);
  const child = spawn(deno, ["run", "-A", "--unstable-net", "--no-lock", files.program], {
    cwd: folder,
    env: {
      ...process.env,
      DENO_NO_UPDATE_CHECK: "1",
      PAGE_SCRIPT: files.page,
      CERT: certificate.cert,
      KEY: certificate.key,
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true, // a group of its own: what npm installs as `deno` starts the real one
  });
  const output: string[] = [];
  const stop = async () => {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
      const gone = once(child, "exit");
      process.kill(-child.pid, "SIGKILL");
      await gone;
    }
    await rm(folder, { recursive: true, force: true });
  };
  try {
    return { urls: await urlsOf(child, output), output, certificate, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

function urlsOf(child: ChildProcess, output: string[]): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const fail = (why: string) => reject(new Error(`Cannot start program: ${why}\n${output.join("\n")}`));
    const timer = setTimeout(() => fail(`no address in ${START_MS} ms`), START_MS);
    child.once("error", ({ message }) => fail(message));
    child.once("exit", (code, signal) => {
      clearTimeout(timer);
      fail(`it ended with ${signal ?? code}`);
    });
    for (const stream of [child.stdout, child.stderr]) {
      if (stream === null) continue;
      createInterface(stream).on("line", (line) => {
        output.push(line);
        const urls = line.match(/https?:\/\/\S+/g);
        if (urls === null || !line.startsWith("http")) return;
        clearTimeout(timer);
        resolve(urls);
      });
    }
  });
}
