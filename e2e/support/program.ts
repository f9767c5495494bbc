import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { CACHE, ROOT } from "../../scripts/paths.mjs";

const START_MS = 20_000;
const HOST = "127.0.0.1";

type Signal = "SIGTERM" | "SIGINT" | "SIGKILL";

/** A server in a process of its own, with a temporary folder of its own. */
export interface Program {
  /** What it has printed as its address, without a slash at the end. */
  readonly url: string;
  readonly port: number;
  /** What it has printed so far. */
  readonly output: readonly string[];
  /**
   * End it and delete what it has left, once.
   * @returns the names of what it had left in its temporary folder
   */
  stop(signal?: Signal): Promise<readonly string[]>;
}

/** A port that nobody listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, HOST);
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

/** Run a TypeScript program in a process group of its own, without waiting for anything. */
export function spawnProgram(entry: string, env: Readonly<Record<string, string>>): ChildProcess {
  return spawn(process.execPath, ["scripts/run-ts.mjs", entry], {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
}

/**
 * Start a TypeScript program that serves, and wait until it prints its address.
 * @param entry - relative to the package
 * @param port - for its `PORT`; 0 for any that is free
 * @throws {Error} with what it printed, when it ends or takes too long.
 */
export async function startProgram(entry: string, port = 0): Promise<Program> {
  const folder = await mkdtemp(join(tmpdir(), "tideway-e2e-"));
  const child = spawnProgram(entry, { PORT: String(port), TMPDIR: folder });
  const output: string[] = [];
  const cleanUp = async (signal: Signal) => {
    await end(child, signal);
    const left = await readdir(folder);
    await rm(folder, { recursive: true, force: true });
    // Only a program that was killed leaves its bundle behind.
    const name = entry.replace(/^.*\/|\.ts$/g, "");
    await rm(join(CACHE, `${name}-${child.pid}.mjs`), { force: true });
    return left;
  };
  let stopped: Promise<readonly string[]> | undefined;
  const stop = (signal: Signal = "SIGTERM") => {
    stopped ??= cleanUp(signal);
    return stopped;
  };
  try {
    const url = await addressOf(child, output);
    return { url, port: Number(new URL(url).port), output, stop };
  } catch (error) {
    await stop("SIGKILL");
    throw error;
  }
}

async function end(child: ChildProcess, signal: Signal): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  process.kill(-child.pid, signal);
  await gone;
}

function addressOf(child: ChildProcess, output: string[]): Promise<string> {
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
        const address = /http:\/\/127\.0\.0\.1:\d+/.exec(line)?.[0];
        if (address === undefined) return;
        clearTimeout(timer);
        resolve(address);
      });
    }
  });
}
