import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { ROOT } from "../../scripts/paths.mjs";

const START_MS = 30_000;
const CLOSE_MS = 15_000;
const LAST_LINES = 15;
const LISTENING = "Listening on ";

/** A server in a process of its own. It ends with this process, whatever happens to it. */
export interface RunningServer {
  readonly urls: readonly string[];
  /** What it has printed so far. */
  readonly output: readonly string[];
  /**
   * Ask it to close: by the end of its input, or by a signal.
   * @returns the last line it printed. @throws {Error} when it does not end in time.
   */
  stop(signal?: NodeJS.Signals): Promise<string>;
}

/** A command line. */
export type Command = readonly [program: string, ...args: string[]];

/**
 * Start a server that prints `Listening on` and its URLs.
 * @throws {Error} with what it printed, when it ends or takes too long.
 */
export async function startServer(
  [program, ...args]: Command,
  env: NodeJS.ProcessEnv = {},
): Promise<RunningServer> {
  const child = spawn(program, args, {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ["pipe", "pipe", "pipe"],
  });
  child.stdin.on("error", () => {}); // it has ended
  const output: string[] = [];
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const urls = await new Promise<string[]>((resolve, reject) => {
    const fail = (why: string) =>
      reject(new Error(`Cannot start ${[program, ...args].join(" ")}: ${why}\n${output.join("\n")}`));
    const timer = setTimeout(() => fail(`no address in ${START_MS} ms`), START_MS);
    child.once("error", ({ message }) => fail(message));
    child.once("exit", (code, signal) => fail(`it ended with ${signal ?? code}`));
    collect(child, (line) => {
      output.push(line);
      if (!line.startsWith(LISTENING)) return;
      clearTimeout(timer);
      resolve(line.slice(LISTENING.length).split(" "));
    });
  }).catch((error: unknown) => {
    child.kill("SIGKILL");
    throw error;
  });
  return {
    urls,
    output,
    stop: async (signal) => {
      if (signal === undefined) child.stdin.end();
      else child.kill(signal);
      await withTimeout(ended, CLOSE_MS, () => {
        child.kill("SIGKILL");
        return new Error(`Server did not end in ${CLOSE_MS} ms\n${output.slice(-LAST_LINES).join("\n")}`);
      });
      return output.at(-1) ?? "";
    },
  };
}

/**
 * Run a program to its end.
 * @returns the lines it printed. @throws {Error} with the last of them when it fails or takes too long.
 */
export async function runProgram(
  [program, ...args]: Command,
  withinMs: number,
  env: NodeJS.ProcessEnv = {},
): Promise<string[]> {
  const child = spawn(program, args, {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output: string[] = [];
  collect(child, (line) => output.push(line));
  const code = await withTimeout(
    new Promise<string | number>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (status, signal) => resolve(signal ?? status ?? 1));
    }),
    withinMs,
    () => {
      child.kill("SIGKILL");
      return new Error(`${program} took longer than ${withinMs} ms\n${output.slice(-LAST_LINES).join("\n")}`);
    },
  );
  if (code !== 0) throw new Error(`${program} ended with ${code}\n${output.slice(-LAST_LINES).join("\n")}`);
  return output;
}

function collect({ stdout, stderr }: ChildProcess, onLine: (line: string) => void): void {
  for (const stream of [stdout, stderr]) if (stream !== null) createInterface(stream).on("line", onLine);
}

/** @throws what `late` makes, when `promise` takes longer. */
export async function withTimeout<T>(promise: Promise<T>, ms: number, late: () => Error): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(late()), ms);
  });
  try {
    return await Promise.race([promise, timeout]);
  } finally {
    clearTimeout(timer);
  }
}
