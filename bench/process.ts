import process from "node:process";
import { createInterface } from "node:readline";

/** What a child process can be asked to do. Arguments and results travel as JSON. */
// biome-ignore lint/suspicious/noExplicitAny: the functions of any child are a set of commands
export type Commands = Readonly<Record<string, (argument: any) => unknown>>;

/** What comes back for a command. */
export type Answer = { readonly result: unknown } | { readonly problem: string };

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
