import type { Bytes, MessageStream } from "../src/index.ts";
import { openSessions } from "./sessions.ts";

/** A message of these bytes. */
export const bytes = (...values: number[]): Bytes => new Uint8Array(values);

/** Sessions whose server runs `handler` for each stream of the name "echo"; without one it sends back what comes. */
export async function openEcho(handler?: (stream: MessageStream) => void | Promise<void>) {
  return openSessions({
    client: { reconnect: false },
    server: {
      onSession: (session) =>
        session.onStream(
          "echo",
          handler ??
            (async (stream) => {
              for await (const message of stream) await stream.send(message);
              await stream.close();
            }),
        ),
    },
  });
}
