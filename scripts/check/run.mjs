import { spawn } from "node:child_process";
import { ROOT } from "../paths.mjs";

/**
 * Run a program and collect what it prints.
 * @param {string} program
 * @param {readonly string[]} args
 * @param {string} [cwd]
 * @returns {Promise<{ status: number, output: string }>}
 */
export function run(program, args, cwd = ROOT) {
  return new Promise((resolve) => {
    const child = spawn(program, args, { cwd, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    const collect = (/** @type {Buffer} */ chunk) => {
      output += chunk;
    };
    child.stdout.on("data", collect);
    child.stderr.on("data", collect);
    child.on("error", (error) => resolve({ status: 1, output: `Cannot run ${program}: ${error.message}` }));
    child.on("close", (code) => resolve({ status: code ?? 1, output: output.trimEnd() }));
  });
}
