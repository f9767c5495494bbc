import {
  client,
  connect,
  contract,
  implement,
  json,
  raw,
  type Session,
  serve,
  type,
  unary,
} from "tideway/node";
import { ECHO, echoService } from "../calls.ts";
import type { Tally } from "../messages.ts";
import { sendAll, tallyAll } from "../streams.ts";
import { serveContender } from "./contender.ts";
import type { SampleRecord } from "./record.ts";

const RECORDS = contract({
  echoRecord: unary({ input: type<SampleRecord>(), output: type<SampleRecord>() }),
});
const SINK = "sink";

await serveContender({
  configuration:
    "as `npm install tideway` leaves it: `ws` without bufferutil, default limits; raw bytes for messages, JSON for records",
  async listen() {
    const server = await serve({
      listen: ["ws://127.0.0.1:0"],
      codecs: [raw, json],
      services: [echoService, implement(RECORDS, { echoRecord: (record) => record })],
      onSession: countMessages,
    });
    return server.urls[0]!;
  },
  async dial(url) {
    const bytes = await connect(url, { codecs: [raw] });
    const records = client(await connect(url, { codecs: [json] }), RECORDS);
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
