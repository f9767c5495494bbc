import type { Bytes, MessageStream, Session } from "tideway";
import { checkTally, makeMessages, type Tally } from "../messages.ts";
import { sendAll, tallyAll } from "../streams.ts";

/** Stream whose messages the server counts; its answer is their tally. */
export const SINK = "sink";

/** Stream on which the server sends what a {@link SourceRequest} asks for. */
export const SOURCE = "source";

/** First message on a stream of messages from the server. */
export interface SourceRequest {
  readonly count: number;
  readonly bytes: number;
}

/** Send `count` messages to the server. @returns the time until it has them all, ms. */
export async function sendMessages(session: Session, pool: readonly Bytes[], count: number): Promise<number> {
  const start = performance.now();
  const stream = session.openStream(SINK);
  await sendAll(stream, pool, count);
  const closed = stream.close();
  const answer = await stream.receive();
  const elapsed = performance.now() - start;
  checkTally(JSON.parse(decodeText(answer!)) as Tally, pool, count);
  await Promise.all([closed, stream.receive()]);
  return elapsed;
}

/** Have the server send `count` messages. @returns the time until all are here, ms. */
export async function receiveMessages(
  session: Session,
  pool: readonly Bytes[],
  count: number,
): Promise<number> {
  const start = performance.now();
  const stream = session.openStream(SOURCE);
  const arrived = tallyAll(stream);
  const request: SourceRequest = { count, bytes: pool[0]!.length };
  stream.trySend(encodeText(JSON.stringify(request)));
  const closed = stream.close();
  const tally = await arrived;
  const elapsed = performance.now() - start;
  checkTally(tally, pool, count);
  await closed;
  return elapsed;
}

/** At the server: answer the streams of {@link sendMessages} and {@link receiveMessages}. */
export function takeStreams(session: Session): void {
  session.onStream(SINK, async (stream: MessageStream) => {
    const tally = await tallyAll(stream);
    await stream.send(encodeText(JSON.stringify(tally)));
    await stream.close();
  });
  session.onStream(SOURCE, async (stream: MessageStream) => {
    const request = await stream.receive();
    const { count, bytes } = JSON.parse(decodeText(request!)) as SourceRequest;
    await sendAll(stream, makeMessages(bytes), count);
    await stream.close();
  });
}

/** UTF-8 bytes of `text`. */
export function encodeText(text: string): Bytes {
  return new TextEncoder().encode(text) as Bytes;
}

/** Text of UTF-8 `bytes`. */
export function decodeText(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
