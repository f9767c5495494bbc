import { describe, expect, it } from "vitest";
import { ErrorCode, type ErrorName } from "../../src/core/errors.ts";
import { MAIN_LANE } from "../../src/core/lanes/lane.ts";
import { type Limits, resolveLimits } from "../../src/core/limits.ts";
import type { Role } from "../../src/core/streams/stream-table.ts";
import { MAGIC } from "../../src/core/wire/record.ts";
import { varintBytes, writeVarint } from "../../src/core/wire/varint.ts";
import { End, type EndOptions, LIMITS, NO_METADATA, NOW } from "./end.ts";
import { bytesOf, hexOf, load } from "./vectors.ts";

interface Refused {
  readonly role: Role;
  readonly state: "opening" | "open" | "resuming";
  /** The connection carries a session on: the records that came before, and the messages that this side sent, each on a stream. */
  readonly earlier?: { readonly came: readonly string[]; readonly sent: readonly string[] };
  readonly before?: readonly string[];
  readonly silent?: boolean;
  readonly limits?: Partial<Limits>;
}

const hexNamed = (file: string, name: string): string =>
  load<object>(file).find((vector) => vector.name === name)?.hex as string;

/** HELLO of a peer: one that knows nothing of sessions, one that begins a session, one that carries it on. */
const PEER_HELLO = hexNamed("frames", "HELLO frame");
const FIRST_HELLO: Readonly<Record<Role, string>> = {
  client: `001000${hexNamed("hello", "HELLO of a client that can resume")}`,
  server: `001000${hexNamed("hello", "HELLO of a server that keeps sessions")}`,
};
const NEXT_HELLO: Readonly<Record<Role, string>> = {
  client: `001000${hexNamed("hello", "HELLO of a client that resumes")}`,
  server: `001000${hexNamed("hello", "HELLO of a server that knows the session")}`,
};

/** Give records to an end, in a lane of their own where that is one of bytes. */
function feeder(end: End, messageBoundaries: boolean): (hex: string) => void {
  end.turn(NOW);
  if (!messageBoundaries) end.connection.receive(MAIN_LANE, MAGIC.slice(), NOW);
  return (hex) => {
    const bytes = bytesOf(hex);
    const prefix = new Uint8Array(8);
    const framed = Buffer.concat([prefix.subarray(0, writeVarint(prefix, 0, bytes.length)), bytes]);
    end.connection.receive(MAIN_LANE, messageBoundaries ? bytes : new Uint8Array(framed), NOW);
    end.turn(NOW);
  };
}

/** An end whose earlier connection was lost. */
function resumedEnd(role: Role, options: EndOptions, { came, sent }: Refused["earlier"] & object): End {
  const earlier = new End(role, { ...options, resumable: true });
  const feed = feeder(earlier, options.messageBoundaries);
  feed(FIRST_HELLO[role === "client" ? "server" : "client"]);
  const { mux } = earlier.connection;
  for (const message of sent)
    mux.open({ name: "", priority: 3, metadata: NO_METADATA }).trySend(bytesOf(message));
  earlier.turn(NOW);
  for (const hex of came) feed(hex);
  earlier.lose();
  return new End(role, { ...options, resumable: true, mux });
}

describe("vectors/refused.json", () => {
  for (const vector of load<Refused>("refused")) {
    for (const messageBoundaries of [true, false]) {
      it(`refuses ${vector.name} on a ${messageBoundaries ? "message" : "byte"} lane`, () => {
        const { earlier, role, state } = vector;
        const options = { messageBoundaries, limits: resolveLimits({ ...LIMITS, ...vector.limits }) };
        const end = earlier === undefined ? new End(role, options) : resumedEnd(role, options, earlier);
        const feed = feeder(end, messageBoundaries);
        const hello = earlier && NEXT_HELLO[role === "client" ? "server" : "client"];
        if (state !== "opening") feed(hello ?? PEER_HELLO);
        for (const hex of vector.before ?? []) feed(hex);
        expect(end.connection.state).toBe(state);
        const before = end.sent.length;
        feed(vector.hex);
        const closed = end.events.find((event) => event.kind === "closed");
        expect(closed?.error?.code).toBe(vector.error);
        const answer = end.sent.slice(before).map(hexOf).join("");
        const code = varintBytes(ErrorCode[vector.error as ErrorName]);
        expect(code).toBe(1);
        const close = `00c000${ErrorCode[vector.error as ErrorName].toString(16).padStart(2, "0")}`;
        if (vector.silent) expect(answer).toBe("");
        else expect(answer).toContain(close);
      });
    }
  }
});
