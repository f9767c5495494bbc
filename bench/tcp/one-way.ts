import { type Bench, type Figure, type Plan, race, type Target } from "../harness.ts";
import { makeMessages } from "../messages.ts";
import { receiveMessages, sendMessages } from "../websocket/streams.ts";
import { receiveBare, sendBare } from "./bare-net.ts";
import { withPair } from "./pair.ts";
import type { Kind } from "./server.ts";

/** P5: small messages in one direction, from `trySend` to the peer's listener, against a write for each. */
export const smallMessages = (kind: Kind): Bench => ({
  id: "P5",
  run: (plan) =>
    measureBothWays(plan, kind, 64, {
      id: "P5",
      name: "64 B messages",
      unit: "messages/s",
      perOperation: 1,
      target: { value: 4e6 },
    }),
});

/** P8: a bulk stream. */
export const bulkStream = (kind: Kind): Bench => ({
  id: "P8",
  run: (plan) =>
    measureBothWays(plan, kind, 65_536, {
      id: "P8",
      name: "bulk stream, 64 KiB writes",
      unit: "MB/s",
      perOperation: 65_536 / 1e6,
      target: { ratio: 0.9 },
    }),
});

interface Subject {
  readonly id: string;
  readonly name: string;
  readonly unit: string;
  /** Units in one message. */
  readonly perOperation: number;
  readonly target: Target;
}

async function measureBothWays(
  plan: Plan,
  kind: Kind,
  bytes: number,
  { name, perOperation, ...subject }: Subject,
): Promise<Figure[]> {
  const pool = makeMessages(bytes);
  const toFigure = (direction: string, ours: readonly number[], bare: readonly number[]): Figure => ({
    ...subject,
    name: `${name} over ${kind}, ${direction}`,
    better: "higher",
    samples: ours.map((perSecond) => perSecond * perOperation),
    peer: { name: "net", samples: bare.map((perSecond) => perSecond * perOperation) },
  });
  return withPair(kind, async ({ session, socket }) => {
    const up = await race(
      plan,
      (count) => sendMessages(session, pool, count),
      (count) => sendBare(socket, pool, count),
    );
    const down = await race(
      plan,
      (count) => receiveMessages(session, pool, count),
      (count) => receiveBare(socket, pool, count),
    );
    return [toFigure("client to server", ...up), toFigure("server to client", ...down)];
  });
}
