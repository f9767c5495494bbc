// Profiles as text: npm run bench:profile -- <file.cpuprofile or folder> ... [--top 15]
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { attempt, fail } from "../arguments.ts";
import { parseProfile, summarize } from "./cpu-profile.ts";
import { describeProfile } from "./describe.ts";

const { values, positionals } = attempt(() =>
  parseArgs({ allowPositionals: true, options: { top: { type: "string", default: "15" } } }),
);
const top = Number(values.top);
if (positionals.length === 0 || !(top >= 1)) {
  fail("Usage: npm run bench:profile -- <file.cpuprofile or folder> ... [--top 15]");
}
const files = attempt(() => positionals.flatMap(profilesAt));
if (files.length === 0) fail(`Cannot find a .cpuprofile in ${positionals.join(", ")}`);
const profiles = files.map((file) => attempt(() => parseProfile(readFileSync(file, "utf8"))));
console.log(describeProfile(summarize(profiles), top));

function profilesAt(path: string): string[] {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path)
    .filter((name) => name.endsWith(".cpuprofile"))
    .sort()
    .map((name) => join(path, name));
}
