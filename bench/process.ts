import { type ChildProcess, spawn } from "node:child_process";
import process from "node:process";
import { createInterface } from "node:readline";

/** What a child process can be asked to do. Arguments and results travel as JSON. */
// biome-ignore lint/suspicious/noExplicitAny: the functions of any child are a set of commands
export type Commands = Readonly<Record<string, (argument: any) => unknown>>;

type Answer = { readonly result: unknown } | { readonly problem: string };

/** Options of Node that this process runs under, without the one that run-ts.mjs adds and those with a value apart. */
const OWN_OPTIONS: readonly string[] = process.execArgv.filter(
  (option, index, all) =>
    option.startsWith("--") &&
    option !== "--enable-source-maps" &&
    (index + 1 === all.length || all[index + 1]!.startsWith("-")),
);

/**
 * What runs a program in the Node that runs now.
 * @param packages - folder whose packages it imports before those of the repository
 */
export function nodeCommand(packages?: string): readonly string[] {
  const from = packages === undefined ? [] : [`--packages=${packages}`];
  return [process.execPath, "scripts/run-ts.mjs", ...from, ...OWN_OPTIONS];
}

/** How long a child may take to end once nobody asks it any more, ms. */
const END_MS = 3_000;

/** A child process that runs commands, one after the other. It ends with this process, whatever happens to it. */
export class Helper<C extends Commands> {
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  readonly #waiting: { resolve(result: never): void; reject(error: Error): void }[] = [];

  /**
   * Start a TypeScript program that calls {@link serveCommands}. It runs under the options of this process, so that
   * a profile is taken of both.
   * @param entry - path from the root of the repository
   * @param command - what runs it, another runtime for one
   */
  constructor(entry: string, command: readonly string[] = nodeCommand()) {
    const [program, ...args] = [...command, entry];
    this.#child = spawn(program as string, args, {
      cwd: new URL("..", import.meta.url),
      stdio: ["pipe", "pipe", "inherit"],
    });
    createInterface(this.#child.stdout!).on("line", (line) => this.#settle(JSON.parse(line) as Answer));
    this.#child.stdin!.on("error", () => {}); // the child is gone: `close` tells
    this.#ended = new Promise((resolve) => {
      this.#child.once("close", (code) => {
        for (const { reject } of this.#waiting.splice(0))
          reject(new Error(`${entry} ended with code ${code}`));
        resolve();
      });
    });
  }

  /** Have the child run a command. */
  ask<K extends keyof C & string>(
    command: K,
    ...[argument]: Parameters<C[K]>
  ): Promise<Awaited<ReturnType<C[K]>>> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#child.stdin!.write(`${JSON.stringify({ command, argument })}\n`);
    });
  }

  #settle(answer: Answer): void {
    const waiter = this.#waiting.shift();
    if ("problem" in answer) waiter?.reject(new Error(answer.problem));
    else waiter?.resolve(answer.result as never);
  }

  /** End the child. */
  async close(): Promise<void> {
    this.#child.stdin!.end();
    const timer = setTimeout(() => this.#child.kill("SIGTERM"), END_MS);
    await this.#ended;
    clearTimeout(timer);
  }
}

/** In a child: run the commands that come, and end when the parent does not listen any more. */
export async function serveCommands(commands: Commands): Promise<never> {
  for await (const line of createInterface(process.stdin)) {
    const { command, argument } = JSON.parse(line) as { command: string; argument: unknown };
    let answer: Answer;
    try {
      answer = { result: await commands[command]!(argument) };
    } catch (error) {
      answer = { problem: error instanceof Error ? (error.stack ?? error.message) : String(error) };
    }
    process.stdout.write(`${JSON.stringify(answer)}\n`);
  }
  process.exit();
}
