// What both servers of the latency page do for a Tideway session.
import { implement, type MessageStream, type Service, type Session } from "tideway";
import { api, decodeRequest, encodeReport, STREAMS } from "./contract.ts";

/** The call that answers with what it gets. */
export function echoService(): Service {
  return implement(api, { bytes: (bytes) => bytes });
}

/** Take the streams and datagrams of a session. */
export function serveStreams(session: Session): void {
  session.addEventListener("datagram", ({ payload }) => session.sendDatagram(payload));
  session.onStream(STREAMS.echo, (stream) => {
    stream.listen((message) => {
      if (!stream.trySend(message)) throw new Error("Cannot send back: no credit for one message at a time");
    });
  });
  session.onStream(STREAMS.up, (stream) => {
    let bytes = 0;
    const report = () => {
      stream.trySend(encodeReport(bytes));
      void stream.close();
    };
    stream.listen((message) => {
      bytes += message.length;
    }, report);
  });
  session.onStream(STREAMS.down, (stream) => sendFor(stream));
}

async function sendFor(stream: MessageStream): Promise<void> {
  const request = await stream.receive();
  if (request === undefined) return;
  const { messageBytes, durationMs } = decodeRequest(request);
  const message = new Uint8Array(messageBytes);
  const end = performance.now() + durationMs;
  let bytes = 0;
  while (performance.now() < end) {
    if (stream.trySend(message)) bytes += message.length;
    else await stream.ready();
  }
  await stream.send(encodeReport(bytes));
  void stream.close();
}
