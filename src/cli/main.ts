#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { BENCH_HELP, bench } from "./bench.ts";
import { type Output, TERMINAL } from "./output.ts";
import { PING_HELP, ping } from "./ping.ts";
import { UsageError } from "./usage.ts";

type Command = (args: readonly string[], output: Output, signal: AbortSignal) => Promise<number>;

const COMMANDS: Readonly<Record<string, { readonly run: Command; readonly help: string }>> = {
  bench: { run: bench, help: BENCH_HELP },
  ping: { run: ping, help: PING_HELP },
};

const HELP = `Usage: tideway <command> <url> [options]

  ping     round trips to a server
  bench    load at a fixed rate, and the latencies under it

tideway <command> --help says more.`;

void main(process.argv.slice(2), TERMINAL).then((code) => {
  process.exitCode = code;
});

async function main([name = "", ...args]: readonly string[], output: Output): Promise<number> {
  if (name === "--version") {
    const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
    output.out((JSON.parse(text) as { version: string }).version);
    return 0;
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  const wantsHelp = args.includes("--help") || args.includes("-h");
  if (command === undefined || wantsHelp) {
    const known = command !== undefined || name === "" || name === "--help" || name === "-h";
    if (!known) output.error(`Cannot run ${name}: the commands are ${Object.keys(COMMANDS).join(", ")}`);
    (known ? output.out : output.error)(command?.help ?? HELP);
    return known && name !== "" ? 0 : 2;
  }
  return runCommand(command.run, args, output);
}

/** Run a command; the first Ctrl-C ends it in order. */
async function runCommand(run: Command, args: readonly string[], output: Output): Promise<number> {
  const interrupted = new AbortController();
  process.once("SIGINT", () => interrupted.abort());
  try {
    return await run(args, output, interrupted.signal);
  } catch (error) {
    const { code, message } = error as { readonly code?: string; readonly message: string };
    output.error(message);
    if (code === "ERR_UNKNOWN_METHOD") output.error(`The server offers no benchService of "tideway/bench"`);
    if (code === "ERR_AUTH")
      output.error("The server asks for a token: give it with --token, or in TIDEWAY_TOKEN");
    return error instanceof UsageError || code?.startsWith("ERR_PARSE_ARGS") ? 2 : 1;
  }
}
