import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";
import { bundleForNode } from "../scripts/bundle.mjs";
import { CACHE, ROOT } from "../scripts/paths.mjs";

import type { Answer, Commands } from "./process.ts";

/** Options of Node that this process runs under, without the one that run-ts.mjs adds and those with a value apart. */
const OWN_OPTIONS: readonly string[] = process.execArgv.filter(
  (option, index, all) =>
    option.startsWith("--") &&
    option !== "--enable-source-maps" &&
    (index + 1 === all.length || all[index + 1]!.startsWith("-")),
);

/** What runs a program: the Node that runs now, or a command that takes it as its last argument. */
export type Runner = NodeRunner | readonly string[];

/** The Node that runs now. */
export interface NodeRunner {
  /** Folder whose packages a program imports before those of the repository. */
  readonly packages?: string;
}

/** Bundles of this process, by what was asked for: most programs are started several times. */
const bundles: Map<string, Promise<string>> = new Map();

function bundleOnce(entry: string, packages: string | undefined): Promise<string> {
  const key = `${packages}/${entry}`;
  let made = bundles.get(key);
  if (made === undefined) {
    made = bundle(entry, packages);
    bundles.set(key, made);
  }
  return made;
}

/** Bundle under a name that is always the same, so that the cache does not grow. @returns the path. */
async function bundle(entry: string, packages: string | undefined): Promise<string> {
  const folder = packages === undefined ? CACHE : join(ROOT, packages, "node_modules", ".cache", "tideway");
  mkdirSync(folder, { recursive: true });
  const name = `${entry.replaceAll("/", "-").replace(/\.ts$/, "")}.mjs`;
  // Others may be starting the same program: they find the file whole.
  const unfinished = join(folder, `${process.pid}-${name}`);
  await bundleForNode(join(ROOT, entry), unfinished);
  renameSync(unfinished, join(folder, name));
  return join(folder, name);
}

async function commandOf(entry: string, runner: Runner): Promise<readonly string[]> {
  if (!("length" in runner)) {
    return [
      process.execPath,
      "--enable-source-maps",
      ...OWN_OPTIONS,
      await bundleOnce(entry, runner.packages),
    ];
  }
  return [...runner, entry];
}

/** How long a child may take to end once nobody asks it any more, ms. */
const END_MS = 3_000;

/** A child process that runs commands, one after the other. It ends with this process, whatever happens to it. */
export class Helper<C extends Commands> {
  readonly #child: Promise<ChildProcess>;
  readonly #waiting: { resolve(result: never): void; reject(error: Error): void }[] = [];

  /**
   * Start a TypeScript program that calls {@link serveCommands}. It runs under the options of this process, so that
   * a profile is taken of both.
   * @param entry - path from the root of the repository
   * @param runner - what runs it, another runtime for one
   */
  constructor(entry: string, runner: Runner = {}) {
    this.#child = commandOf(entry, runner).then((command) => this.#start(entry, command));
    this.#child.catch(() => {}); // whoever asks is told
  }

  #start(entry: string, [program, ...args]: readonly string[]): ChildProcess {
    const child = spawn(program as string, args, {
      cwd: ROOT,
      stdio: ["pipe", "pipe", "inherit"],
    });
    createInterface(child.stdout!).on("line", (line) => this.#settle(JSON.parse(line) as Answer));
    child.stdin!.on("error", () => {}); // the child is gone: `close` tells
    child.once("close", (code) => {
      for (const { reject } of this.#waiting.splice(0)) reject(new Error(`${entry} ended with code ${code}`));
    });
    return child;
  }

  /** Have the child run a command. */
  ask<K extends keyof C & string>(
    command: K,
    ...[argument]: Parameters<C[K]>
  ): Promise<Awaited<ReturnType<C[K]>>> {
    return this.#child.then(({ stdin, exitCode, signalCode }) => {
      const end = exitCode ?? signalCode;
      if (end !== null) throw new Error(`Cannot ask for ${command}: the process ended with ${end}`);
      return new Promise<never>((resolve, reject) => {
        this.#waiting.push({ resolve, reject });
        stdin!.write(`${JSON.stringify({ command, argument })}\n`);
      });
    });
  }

  #settle(answer: Answer): void {
    const waiter = this.#waiting.shift();
    if ("problem" in answer) waiter?.reject(new Error(answer.problem));
    else waiter?.resolve(answer.result as never);
  }

  /** End the child. */
  async close(): Promise<void> {
    const child = await this.#child.catch(() => undefined);
    if (child === undefined || (child.exitCode ?? child.signalCode) !== null) return;
    const ended = new Promise((resolve) => child.once("close", resolve));
    child.stdin!.end();
    const timer = setTimeout(() => child.kill("SIGTERM"), END_MS);
    await ended;
    clearTimeout(timer);
  }
}
