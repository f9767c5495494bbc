import { type Bench, type Figure, race, type Target } from "../../harness.ts";
import type { Carrier } from "../contender.ts";
import { withPair } from "../pairs.ts";

/** Small messages in one direction, from `trySend` to the peer's listener, against a write for each. */
export const smallMessages = (carrier: Carrier, id: string, target?: Target): Bench =>
  oneWay(carrier, 64, { id, name: "64 B messages", unit: "messages/s", perOperation: 1, target });

/** P8: a bulk stream. */
export const bulkStream = (carrier: Carrier, target?: Target): Bench =>
  oneWay(carrier, 65_536, {
    id: "P8",
    name: "bulk stream, 64 KiB writes",
    unit: "MB/s",
    perOperation: 65_536 / 1e6,
    target,
  });

interface Subject {
  readonly id: string;
  readonly name: string;
  readonly unit: string;
  /** Units in one message. */
  readonly perOperation: number;
  readonly target: Target | undefined;
}

function oneWay(carrier: Carrier, bytes: number, subject: Subject): Bench {
  const { id, name, unit, perOperation, target } = subject;
  const toFigure = (
    direction: string,
    peer: string,
    ours: readonly number[],
    bare: readonly number[],
  ): Figure => ({
    id,
    name: `${name}, ${direction}`,
    unit,
    better: "higher",
    samples: ours.map((perSecond) => perSecond * perOperation),
    peer: { name: peer, samples: bare.map((perSecond) => perSecond * perOperation) },
    ...(target === undefined ? {} : { target }),
  });
  return {
    id,
    run: (plan) =>
      withPair(plan, carrier, async ({ ours, bare }) => {
        const up = await race(
          plan,
          (count) => ours.send({ bytes, count }),
          (count) => bare.send({ bytes, count }),
        );
        const down = await race(
          plan,
          (count) => ours.receive({ bytes, count }),
          (count) => bare.receive({ bytes, count }),
        );
        return [
          toFigure("client to server", bare.name, ...up),
          toFigure("server to client", bare.name, ...down),
        ];
      }),
  };
}
