import { client, connect, contract, implement, raw, type Session, serve, unary } from "tideway/node";
import { array, bool, f64, string, struct, u32 } from "tideway/schema";
import { ECHO, echoService } from "../calls.ts";
import type { Tally } from "../messages.ts";
import { sendAll, tallyAll } from "../streams.ts";
import { serveContender } from "./contender.ts";

const RECORD = struct({ id: u32, name: string, active: bool, score: f64, tags: array(string) });
const RECORDS = contract({ echoRecord: unary({ input: RECORD, output: RECORD }) });
const SINK = "sink";

await serveContender({
  configuration:
    "as `npm install tideway` leaves it: `ws` without bufferutil, default limits; raw bytes for messages, a schema for records",
  async listen() {
    const server = await serve({
      listen: ["ws://127.0.0.1:0"],
      codecs: [raw],
      services: [echoService, implement(RECORDS, { echoRecord: (record) => record })],
      onSession: countMessages,
    });
    return server.urls[0]!;
  },
  async dial(url) {
    const bytes = await connect(url, { codecs: [raw] });
    const records = client(bytes, RECORDS);
    const { echo } = client(bytes, ECHO);
    return {
      echo,
      echoRecord: (record) => records.echoRecord(record),
      async sendAll(pool, count) {
        const stream = bytes.openStream(SINK);
        await sendAll(stream, pool, count);
        const closed = stream.close();
        const answer = await stream.receive();
        await Promise.all([closed, stream.receive()]);
        return JSON.parse(new TextDecoder().decode(answer)) as Tally;
      },
    };
  },
});

function countMessages(session: Session): void {
  session.onStream(SINK, async (stream) => {
    const tally = await tallyAll(stream);
    await stream.send(new TextEncoder().encode(JSON.stringify(tally)));
    await stream.close();
  });
}
