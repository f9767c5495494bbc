import { accept, connectWith, memoryPair, raw } from "tideway";
import { echoService } from "../../calls.ts";
import { type Carrier, ofLink, ofSession } from "../contender.ts";
import { MemoryLink } from "../links/memory.ts";
import { serveLink } from "../links/protocol.ts";
import { takeStreams } from "../session-streams.ts";

/** Both sides in one thread, against a queue between two functions. */
export const MEMORY: Carrier = {
  name: "memory",
  async open() {
    const { a, b } = memoryPair();
    accept(b, {
      codecs: [raw],
      onSession: (session) => {
        echoService.attach(session);
        takeStreams(session);
      },
    });
    const session = await connectWith(async () => a, { codecs: [raw], reconnect: false });
    const link = new MemoryLink();
    serveLink(link.other);
    return { ours: ofSession(session), bare: ofLink(link), close: () => session.close() };
  },
};
