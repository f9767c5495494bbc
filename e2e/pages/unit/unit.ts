// Test files of Node in a page, or in a Worker of it: the script of both.
import { type File, startTests, type Task, type VitestRunner } from "@vitest/runner";

/** Test files that need nothing of Node, and those that start Workers. */
const FILES = {
  copy: () => import("../../../src/channels/copy.test.ts"),
  lane: () => import("../../../src/channels/lane.test.ts"),
  formats: () => import("../../../src/threads/channel-formats.test.ts"),
  channels: () => import("../../../src/threads/channels.test.ts"),
  explorer: () => import("../../../test/channels/explorer.test.ts"),
  hostile: () => import("../../../test/channels/hostile/hostile.test.ts"),
  kill: () => import("../../../test/channels/kill.test.ts"),
  vandal: () => import("./vandal.ts"),
  stress: () => import("./stress.ts"),
  kills: () => import("./kills.ts"),
} as const;

/** Name of a test file. */
export type UnitFile = keyof typeof FILES;

/** What came of the tests of a file. */
export interface UnitReport {
  readonly passed: number;
  readonly skipped: readonly string[];
  /** Names of the tests that failed, and why. */
  readonly failed: readonly string[];
}

/** What tests call in the page. */
const unit = { runHere, runInWorker };

declare global {
  interface Window {
    unit: typeof unit;
  }
}

const RUNNER: VitestRunner = {
  importFile: (name) => FILES[name as UnitFile](),
  config: {
    root: "",
    setupFiles: [],
    name: undefined,
    passWithNoTests: false,
    testNamePattern: undefined,
    allowOnly: false,
    sequence: { seed: 1, hooks: "stack", setupFiles: "list" },
    chaiConfig: undefined,
    maxConcurrency: 1,
    testTimeout: 20_000,
    hookTimeout: 20_000,
    retry: 0,
    includeTaskLocation: false,
    tags: [],
    tagsFilter: undefined,
    strictTags: false,
  },
};

/** Run a test file in this thread. */
async function runHere(name: UnitFile): Promise<UnitReport> {
  const [file] = await startTests([name], RUNNER);
  const found = { passed: 0, skipped: [] as string[], failed: [] as string[] };
  collect(file as File, [], found);
  return found;
}

function collect(
  task: Task,
  path: readonly string[],
  into: { passed: number; skipped: string[]; failed: string[] },
): void {
  const name = [...path, task.name].join(" > ");
  const { state, errors = [] } = task.result ?? {};
  if (task.type === "suite" && errors.length === 0) {
    for (const each of task.tasks) collect(each, [...path, task.name], into);
  } else if (state === "pass") into.passed++;
  else if (state === "fail") into.failed.push(`${name}: ${errors.map(({ message }) => message).join("; ")}`);
  else into.skipped.push(name);
}

/** Run a test file in a Worker of its own. */
async function runInWorker(name: UnitFile): Promise<UnitReport> {
  const worker = new Worker("/unit.js", { type: "module" });
  try {
    return await new Promise((resolve, reject) => {
      worker.addEventListener("message", ({ data }) => resolve(data as UnitReport));
      worker.addEventListener("error", ({ message }) => reject(new Error(message)));
      worker.postMessage(name);
    });
  } finally {
    worker.terminate();
  }
}

if ("window" in globalThis) window.unit = unit;
else {
  globalThis.addEventListener("message", async ({ data }: MessageEvent) => {
    postMessage(await runHere(data as UnitFile));
  });
}
