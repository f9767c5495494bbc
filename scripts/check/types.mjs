import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../paths.mjs";
import { run } from "./run.mjs";

/**
 * The TypeScript projects: one for each folder under src/ that has sources, and one for everything else.
 * @returns {{ projects: string[], problems: string[] }}
 */
function findProjects() {
  const projects = ["tsconfig.json"];
  // What the benches compare with is installed when they first run.
  if (existsSync(join(ROOT, "bench", "node_modules", ".package-lock.json")))
    projects.push("bench/tsconfig.json");
  const problems = [];
  for (const entry of readdirSync(join(ROOT, "src"), { withFileTypes: true })) {
    if (!entry.isDirectory()) continue;
    const names = readdirSync(join(ROOT, "src", entry.name), { recursive: true, encoding: "utf8" });
    if (
      !names.some((name) => name.endsWith(".ts") && !name.endsWith(".d.ts") && !name.endsWith(".test.ts"))
    ) {
      continue;
    }
    const project = `src/${entry.name}/tsconfig.json`;
    if (existsSync(join(ROOT, project))) projects.push(project);
    else problems.push(`Cannot check src/${entry.name}: it has no tsconfig.json`);
  }
  return { projects, problems };
}

/**
 * Check the types of every project, two at a time.
 * @returns {Promise<{ note: string, problems: string[] }>}
 */
export async function checkTypes() {
  const { projects, problems } = findProjects();
  const tsc = join(ROOT, "node_modules", "typescript", "bin", "tsc");
  const waiting = [...projects];
  const work = async () => {
    for (let project = waiting.shift(); project !== undefined; project = waiting.shift()) {
      const { status, output } = await run(process.execPath, [tsc, "-p", project, "--pretty", "false"]);
      if (status !== 0) problems.push(`${project}:\n${output}`);
    }
  };
  await Promise.all([work(), work()]);
  return { note: `${projects.length} projects`, problems };
}
