import { MessageChannel, Worker } from "node:worker_threads";
import { connectWorker, raw } from "tideway/node";
import { bundle } from "../../../test/runtimes/bundles.ts";
import { type Carrier, ofLink, ofSession } from "../contender.ts";
import { PortLink } from "../links/port.ts";

/** MessagePorts between two threads of Node. */
export const MESSAGE_PORT: Carrier = {
  name: "message-port",
  async withPair(use) {
    const worker = new Worker(await bundle("bench/transports/programs/worker.ts", "node"));
    try {
      const session = await connectWorker(worker, { codecs: [raw], carrier: "message-port" });
      const { port1, port2 } = new MessageChannel();
      worker.postMessage({ bare: port2 }, [port2]);
      const link = new PortLink(port1);
      const result = await use({ ours: ofSession(session), bare: ofLink(link) });
      link.close();
      await session.close();
      return result;
    } finally {
      await worker.terminate();
    }
  },
};
