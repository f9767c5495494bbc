import {
  accept,
  type Client,
  client,
  connectWith,
  implement,
  type MessageStream,
  memoryPair,
  raw,
  type Session,
} from "tideway";
import { ECHO, echoService } from "../calls.ts";

/** A session in this process with bounds wide enough for the longest curve. */
export interface WideSession {
  readonly session: Session;
  readonly calls: Client<typeof ECHO>;
  /** Streams of the peer's side that are open. */
  readonly accepted: MessageStream[];
  /** Messages that the peer has heard on them. */
  heard: number;
  /** Bytes of those. */
  heardBytes: number;
  /** Calls that the peer does not answer. */
  held: number;
  /** Hears each message on the peer's side, which may keep it. */
  onMessage: (message: Uint8Array) => void;
}

const LIMITS = { maxStreams: 16_384, maxCalls: 16_384 };

/**
 * Open a session over memory whose server counts messages, and echoes calls or, with `holdCalls`, never answers them.
 */
export async function openWide({ holdCalls = false } = {}): Promise<WideSession> {
  const { a, b } = memoryPair();
  const accepted: MessageStream[] = [];
  const onSession = (server: Session) => {
    (holdCalls ? holdService : echoService).attach(server);
    server.onStream("count", (stream) => {
      accepted.push(stream);
      stream.listen(
        (message) => {
          wide.heard++;
          wide.heardBytes += message.length;
          wide.onMessage(message);
        },
        () => {},
      );
    });
  };
  const holdService = implement(ECHO, {
    echo: () => {
      wide.held++;
      return new Promise<never>(() => {});
    },
  });
  accept(b, { codecs: [raw], limits: LIMITS, onSession });
  const session = await connectWith(async () => a, { codecs: [raw], limits: LIMITS, reconnect: false });
  const wide: WideSession = {
    session,
    calls: client(session, ECHO),
    accepted,
    heard: 0,
    heardBytes: 0,
    held: 0,
    onMessage: () => {},
  };
  return wide;
}

/** Wait until `holds`, for as many turns of the event loop as it takes. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
}
