import { isMainThread, parentPort, Worker } from "node:worker_threads";
import { Tally } from "../../messages.ts";
import { sendInChunks, serveContender } from "../contender.ts";
import type { SampleRecord } from "../record.ts";

/** What goes to the worker: a value to send back, a message to count, or nothing for the tally. */
interface Request {
  readonly echo?: unknown;
  readonly message?: Uint8Array;
}

if (isMainThread) await serveClient();
else answerRequests();

function serveClient(): Promise<never> {
  return serveContender({
    configuration:
      "`postMessage` between two threads of one process, by structured clone; answers are known by their order: a floor, no rival",
    listen: async () => "", // the other end is a thread of the client
    async dial() {
      const worker = new Worker(process.argv[1] as string);
      const waiting: ((answer: unknown) => void)[] = [];
      worker.on("message", (answer) => waiting.shift()?.(answer));
      const call = (request: Request) =>
        new Promise<unknown>((resolve) => {
          waiting.push(resolve);
          worker.postMessage(request);
        });
      return {
        echo: (message) => call({ echo: message }) as Promise<Uint8Array>,
        echoRecord: (record) => call({ echo: record }) as Promise<SampleRecord>,
        async sendAll(pool, count) {
          const send = (message: Uint8Array) => worker.postMessage({ message } satisfies Request);
          await sendInChunks(pool, count, send, () => call({ echo: 0 }));
          return (await call({})) as Tally;
        },
      };
    },
  });
}

function answerRequests(): void {
  let tally = new Tally();
  parentPort?.on("message", ({ echo, message }: Request) => {
    if (message !== undefined) tally.add(message);
    else if (echo !== undefined) parentPort?.postMessage(echo);
    else {
      parentPort?.postMessage({ count: tally.count, hash: tally.hash });
      tally = new Tally();
    }
  });
}
