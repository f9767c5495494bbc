// A worker that answers messages, with nothing in between.
import { parentPort } from "node:worker_threads";
import { compute } from "../contract.ts";

interface Request {
  readonly id: number;
  readonly method: "add" | "compute";
  readonly input: never;
}

const methods = { add: ([a, b]: readonly [number, number]) => a + b, compute };
parentPort?.on("message", ({ id, method, input }: Request) => {
  parentPort?.postMessage({ id, output: methods[method](input) });
});
