import { MessageChannel, Worker } from "node:worker_threads";
import { connectWorker, raw } from "tideway/node";
import { bundle } from "../../../test/runtimes/bundles.ts";
import { type Carrier, ofLink, ofSession } from "../contender.ts";
import { PortLink } from "../links/port.ts";

/** MessagePorts between two threads of Node. */
export const MESSAGE_PORT: Carrier = betweenThreads("message-port");

/** Two rings in shared memory, against a port between the same two threads. */
export const RING: Carrier = betweenThreads("ring");

function betweenThreads(name: "message-port" | "ring"): Carrier {
  return {
    name,
    async open() {
      const worker = new Worker(await bundle("bench/transports/programs/worker.ts", "node"));
      try {
        const session = await connectWorker(worker, { codecs: [raw], carrier: name });
        const { port1, port2 } = new MessageChannel();
        worker.postMessage({ bare: port2 }, [port2]);
        const link = new PortLink(port1);
        const close = async () => {
          link.close();
          await session.close();
          await worker.terminate();
        };
        return { ours: ofSession(session), bare: ofLink(link), close };
      } catch (error) {
        await worker.terminate();
        throw error;
      }
    },
  };
}
