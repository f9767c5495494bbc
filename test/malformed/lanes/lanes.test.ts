import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { Connection } from "../../../src/core/connection/connection.ts";
import { ErrorCode, type ErrorName } from "../../../src/core/errors.ts";
import { type LaneId, MAIN_LANE } from "../../../src/core/lanes/lane.ts";
import { type Limits, resolveLimits } from "../../../src/core/limits.ts";
import { encodeHello } from "../../../src/core/wire/hello.ts";
import { MAGIC } from "../../../src/core/wire/record.ts";
import { fromHex, laneOf } from "../../byte-lane.ts";

/** A lane, a record, how many bytes `aa` follow it, and how often all that comes. */
type Entry = readonly [lane: number, hex: string, bytes?: number, times?: number];

/** What a client does to a server that lets it open lanes. */
interface Case {
  readonly name: string;
  readonly records: readonly Entry[];
  readonly limits?: Partial<Limits>;
  readonly error: ErrorName | "none";
}

const CASES = JSON.parse(readFileSync(new URL("cases.json", import.meta.url), "utf8")) as Case[];

/** Give the records to a server. @param pieceBytes - the lanes carry bytes, in pieces of so many */
function attack({ limits, records }: Case, pieceBytes?: number) {
  const server = new Connection({
    role: "server",
    messageBoundaries: pieceBytes === undefined,
    lanes: 256,
    limits: resolveLimits(limits),
    codecs: [],
    now: 0,
  });
  let closed: string | undefined;
  let last = "";
  const pump = (): void => {
    for (let event = server.poll(); event !== undefined; event = server.poll()) {
      if (event.kind === "authenticate") server.accept({ sessionId: new Uint8Array(16) }, 0);
      if (event.kind === "closed") closed = event.error?.code;
    }
    for (;;) {
      const record = server.takeOutput(MAIN_LANE, 66_560, 0);
      if (record === undefined) return;
      last = Buffer.from(record).toString("hex");
    }
  };
  const begun = new Set<number>();
  const give = (lane: number, hex: string): void => {
    const id = (lane === 0 ? 0 : -1 - lane) as LaneId;
    const record = fromHex(hex);
    const bytes =
      pieceBytes === undefined ? record : laneOf([record]).slice(begun.has(lane) ? MAGIC.length : 0);
    begun.add(lane);
    const step = pieceBytes ?? bytes.length;
    for (let at = 0; at < bytes.length; at += step) {
      server.receive(id, bytes.slice(at, at + step), 0);
      pump();
    }
  };
  give(0, `001000${Buffer.from(encodeHello({ codecs: [], lanes: 16 }, resolveLimits())).toString("hex")}`);
  expect(server.state).toBe("open");
  for (const [lane, hex, bytes = 0, times = 1] of records)
    for (let count = 0; count < times; count++) give(lane, hex + "aa".repeat(bytes));
  return { closed, last, state: server.state };
}

test.each(CASES.map((one) => [`${one.name}: ${one.error}`, one] as const))("%s", (_name, one) => {
  for (const pieceBytes of [undefined, 1_024, 7]) {
    const { closed, last, state } = attack(one, pieceBytes);
    expect(closed).toBe(one.error === "none" ? undefined : one.error);
    expect(state).toBe(one.error === "none" ? "open" : "closed");
    if (one.error !== "none")
      expect(last).toContain(`00c000${ErrorCode[one.error].toString(16).padStart(2, "0")}`);
  }
});
