import { mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { pool } from "tideway";
import { bundleForNode } from "../../scripts/bundle.mjs";
import { CACHE, ROOT } from "../../scripts/paths.mjs";
import { TASKS } from "./contract.ts";

/** Workers that run tasks. */
export interface Contender {
  readonly name: string;
  readonly configuration: string;
  add(input: readonly [number, number]): Promise<number>;
  compute(rounds: number): Promise<number>;
  close(): Promise<unknown>;
}

const PEERS = join(ROOT, "bench", "package.json");
const FOLDER = join(CACHE, "bench-workers");

/** Bundle one of the programs of workers. @returns its path. */
export async function program(name: string): Promise<string> {
  mkdirSync(FOLDER, { recursive: true });
  const path = join(FOLDER, `${name}.mjs`);
  await bundleForNode(join(ROOT, "bench/workers/programs", `${name}.ts`), path);
  return path;
}

/** Our own pool. */
export async function openTideway(workers: number): Promise<Contender> {
  const opened = await pool(await program("tideway"), TASKS, { workers, batch: 64 });
  return {
    name: "tideway",
    configuration: "pool({ batch: 64 }), tasks without a key",
    add: opened.tasks.add,
    compute: opened.tasks.compute,
    close: () => opened.close(),
  };
}

/** The parts of Piscina that are used. */
interface Piscina {
  run(input: unknown, options: { readonly name: string }): Promise<number>;
  destroy(): Promise<void>;
}

/** Piscina, which hands out its messages by shared memory. */
export async function openPiscina(workers: number): Promise<Contender> {
  const { Piscina } = createRequire(PEERS)("piscina") as { Piscina: new (options: object) => Piscina };
  const filename = await program("piscina");
  const opened = new Piscina({
    filename,
    minThreads: workers,
    maxThreads: workers,
    concurrentTasksPerWorker: 64,
  });
  return {
    name: "piscina",
    configuration: "atomics: sync (its default), concurrentTasksPerWorker: 64, threads kept",
    add: (input) => opened.run(input, { name: "add" }),
    compute: (rounds) => opened.run(rounds, { name: "compute" }),
    close: () => opened.destroy(),
  };
}

/** Comlink has no pool: its workers take turns. */
export async function openComlink(workers: number): Promise<Contender> {
  const require = createRequire(PEERS);
  const { wrap } = require("comlink") as { wrap(endpoint: unknown): Pick<Contender, "add" | "compute"> };
  const nodeEndpoint = require("comlink/dist/umd/node-adapter.js") as (port: unknown) => unknown;
  const path = await program("comlink");
  const threads = Array.from({ length: workers }, () => new Worker(path, { workerData: PEERS }));
  const apis = threads.map((thread) => wrap(nodeEndpoint(thread)));
  let next = 0;
  const api = () => apis[next++ % workers] as Pick<Contender, "add" | "compute">;
  return {
    name: "comlink",
    configuration: "node-adapter, one proxy a worker, in turns",
    add: (input) => api().add(input),
    compute: (rounds) => api().compute(rounds),
    close: () => Promise.all(threads.map((thread) => thread.terminate())),
  };
}

/** `postMessage` with a number for each request: the floor that all stand on. */
export async function openBare(workers: number): Promise<Contender> {
  const path = await program("bare");
  const waiting = new Map<number, (output: number) => void>();
  const threads = Array.from({ length: workers }, () => new Worker(path));
  for (const thread of threads) {
    thread.on("message", ({ id, output }: { readonly id: number; readonly output: number }) => {
      waiting.get(id)?.(output);
      waiting.delete(id);
    });
  }
  let last = 0;
  const ask = (method: string, input: unknown) =>
    new Promise<number>((resolve) => {
      waiting.set(++last, resolve);
      threads[last % workers]?.postMessage({ id: last, method, input });
    });
  return {
    name: "postMessage",
    configuration: "postMessage each way and a map of requests, workers in turns",
    add: (input) => ask("add", input),
    compute: (rounds) => ask("compute", rounds),
    close: () => Promise.all(threads.map((thread) => thread.terminate())),
  };
}
