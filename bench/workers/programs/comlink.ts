// A worker that Comlink calls.
import { createRequire } from "node:module";
import { parentPort, workerData } from "node:worker_threads";
import { compute } from "../contract.ts";

const require = createRequire(workerData as string);
const { expose } = require("comlink") as { expose(api: unknown, endpoint: unknown): void };
const nodeEndpoint = require("comlink/dist/umd/node-adapter.js") as (port: unknown) => unknown;
expose({ add: ([a, b]: readonly [number, number]) => a + b, compute }, nodeEndpoint(parentPort));
