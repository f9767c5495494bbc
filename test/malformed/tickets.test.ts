import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type Bytes, concatBytes } from "../../src/core/bytes.ts";
import { ErrorCode, type ErrorName } from "../../src/core/errors.ts";
import { MAIN_LANE } from "../../src/core/lanes/lane.ts";
import { resolveLimits } from "../../src/core/limits.ts";
import { FrameReader } from "../../src/core/wire/frame.ts";
import * as FrameType from "../../src/core/wire/frame-type.ts";
import { decodeHello, encodeHello, type Hello } from "../../src/core/wire/hello.ts";
import { accept } from "../../src/session/accept.ts";
import type { Session } from "../../src/session/session.ts";
import { SessionStore } from "../../src/session/store.ts";
import { type MemoryPair, memoryPair } from "../../src/transports/memory.ts";
import { fromHex } from "../byte-lane.ts";
import { settle, until } from "../sessions.ts";

/** What the client of the session has done before. It knows tokens by their order: the first one, the second one. */
type Before =
  /** It has a connection; that was lost; it was closed in order; it was lost for longer than it is kept. */
  | "open"
  | "lost"
  | "closed"
  | "expired"
  /** It was lost, came back with the first token and got the second one; with or without an answer to the PING. */
  | "resumed"
  | "resumed without PONG"
  /** And again, with the second one. */
  | "resumed twice without PONG";

type Token =
  | "first"
  | "second"
  | "third"
  | "none"
  | "empty"
  | "short"
  | "long"
  | "zero"
  | "first bit changed"
  | "last bit changed"
  | "of another session";

interface Case {
  readonly row: string;
  readonly name: string;
  readonly before: Before;
  readonly shows: { readonly session: "its" | "other" | "short" | "none"; readonly token: Token };
  /** Another user than the one that the session belongs to. */
  readonly stranger?: boolean;
  /** HELLO says otherwise. */
  readonly hello?: Partial<Hello>;
  /** Records behind HELLO. */
  readonly records?: readonly string[];
  /** The session goes on, a fresh one begins, or the code of CLOSE. */
  readonly answer: "resumed" | "fresh" | ErrorName;
  /** State of the session afterwards. */
  readonly session: Session["state"];
  readonly error?: ErrorName;
  /** Code that its earlier connection is closed with. */
  readonly earlier?: ErrorName;
}

const FOLDER = new URL("tickets/", import.meta.url);
const CASES = readdirSync(FOLDER).flatMap(
  (name) => JSON.parse(readFileSync(new URL(name, FOLDER), "utf8")) as Case[],
);
const KEEP_MS = 60_000;
const PONG = fromHex("00800000");
const EMPTY_RESUME = fromHex("00a000 0000 00 80100000 4080");
const text = (value: string): Bytes => new Uint8Array(Buffer.from(value));

/** Bytes with one bit changed, counted from the front or, below 0, from the back. */
function changed(bytes: Bytes, bit: number): Bytes {
  const copy = bytes.slice();
  const at = bit < 0 ? copy.length * 8 + bit : bit;
  copy[at >>> 3]! ^= 0x80 >>> (at & 7);
  return copy;
}

/** A client that says what it likes. */
class Client {
  readonly pair: MemoryPair = memoryPair();
  /** HELLO of the server, and its length. */
  hello: Hello | undefined;
  helloBytes = 0;
  /** Code of the CLOSE that came. */
  close: number | undefined;
  over = false;

  say(fields: Partial<Hello>): void {
    this.pair.a.start({
      data: (_lane, record) => this.#read(record),
      drain: () => {},
      lane: () => {},
      datagram: () => {},
      closed: () => {
        this.over = true;
      },
    });
    const body = encodeHello({ codecs: [], resumeMs: KEEP_MS, ...fields }, { ...resolveLimits(), ...fields });
    this.write(concatBytes([fromHex("001000"), body], 3 + body.length));
  }

  write(record: Bytes): void {
    this.pair.a.write(MAIN_LANE, record);
  }

  #read(record: Bytes): void {
    const frames = new FrameReader();
    frames.reset(record, 1);
    while (frames.next()) {
      const body = frames.bytes.slice(frames.bodyAt, frames.bodyEnd);
      if (frames.type === FrameType.CLOSE) this.close = body[0];
      if (frames.type !== FrameType.HELLO) continue;
      this.hello = decodeHello(body);
      this.helloBytes = body.length;
    }
  }
}

/** A server that keeps sessions. */
class World {
  now = 0;
  readonly sessions: Session[] = [];
  #expiry: (() => void) | undefined;
  readonly store = new SessionStore({
    keepMs: KEEP_MS,
    clock: {
      now: () => this.now,
      schedule: (run) => {
        this.#expiry = run;
        return run;
      },
      cancel: () => {},
    },
  });

  async connect(fields: Partial<Hello>, user = "ada", records: readonly Bytes[] = []): Promise<Client> {
    const client = new Client();
    accept(client.pair.b, {
      store: this.store,
      authenticate: ({ token }) => Buffer.from(token ?? []).toString(),
      onSession: (session) => void this.sessions.push(session),
    });
    client.say({ token: text(user), ...fields });
    for (const record of records) client.write(record);
    await until(() => client.hello !== undefined || client.over);
    await settle();
    return client;
  }

  async lose(client: Client): Promise<void> {
    client.pair.lose();
    await settle();
  }

  async expire(): Promise<void> {
    this.now += KEEP_MS;
    this.#expiry?.();
    await settle();
  }
}

interface Known {
  readonly client: Client;
  readonly sessionId: Bytes;
  readonly tokens: readonly Bytes[];
}

/** The session, and what its client was given. */
async function prepare(world: World, before: Before): Promise<Known> {
  let client = await world.connect({});
  const sessionId = client.hello!.sessionId!;
  const tokens = [client.hello!.resumeToken!];
  client.write(PONG);
  await settle();
  const back =
    { resumed: 1, "resumed without PONG": 1, "resumed twice without PONG": 2 }[before as string] ?? 0;
  for (let i = 0; i < back; i++) {
    await world.lose(client);
    client = await world.connect({ sessionId, resumeToken: tokens[i]! }, "ada", [EMPTY_RESUME]);
    expect(client.hello?.resumed).toBe(true);
    tokens.push(client.hello!.resumeToken!);
    if (before === "resumed") client.write(PONG);
    await settle();
  }
  if (before === "closed") {
    client.write(fromHex("00c00000"));
    await settle();
  } else if (before !== "open") await world.lose(client);
  if (before === "expired") await world.expire();
  return { client, sessionId, tokens };
}

async function tokenOf(
  world: World,
  kind: Token,
  [first, ...later]: readonly Bytes[],
): Promise<Bytes | undefined> {
  const token = first as Bytes;
  switch (kind) {
    case "first":
      return token;
    case "second":
      return later[0];
    case "third":
      return later[1];
    case "none":
      return undefined;
    case "empty":
      return new Uint8Array(0);
    case "short":
      return token.slice(0, -1);
    case "long":
      return concatBytes([token, new Uint8Array(1)], token.length + 1);
    case "zero":
      return new Uint8Array(token.length);
    case "first bit changed":
      return changed(token, 0);
    case "last bit changed":
      return changed(token, -1);
    case "of another session":
      return (await world.connect({})).hello?.resumeToken;
  }
}

function idOf(kind: Case["shows"]["session"], sessionId: Bytes): Bytes | undefined {
  if (kind === "none") return undefined;
  return kind === "its" ? sessionId : kind === "short" ? sessionId.slice(1) : changed(sessionId, 0);
}

/** What the server does with who shows it this. */
async function show(one: Case) {
  const world = new World();
  const { client, sessionId, tokens } = await prepare(world, one.before);
  const [session] = world.sessions as [Session];
  const id = idOf(one.shows.session, sessionId);
  const token = await tokenOf(world, one.shows.token, tokens);
  const fields = {
    ...(id === undefined ? {} : { sessionId: id }),
    ...(token === undefined ? {} : { resumeToken: token }),
    ...one.hello,
  };
  const records = (one.records ?? []).map(fromHex);
  const guest = await world.connect(fields, one.stranger ? "eve" : "ada", records);
  return { world, client, guest, session, sessionId, tokens };
}

describe("a client that names a session", () => {
  test("there are cases for tokens and for races", () => {
    expect(CASES.length).toBeGreaterThanOrEqual(25);
    expect(new Set(CASES.map(({ row }) => row))).toEqual(new Set(["T40", "T41"]));
  });

  test.each(CASES.map((one) => [`${one.row} ${one.name}: ${one.answer}`, one] as const))(
    "%s",
    async (_name, one) => {
      const { world, client, guest, session, sessionId, tokens } = await show(one);
      expect([session.state, session.error?.code]).toEqual([one.session, one.error]);
      if (one.earlier !== undefined) expect(client.close).toBe(ErrorCode[one.earlier]);
      else expect(client.close).toBeUndefined();
      if (one.answer !== "resumed" && one.answer !== "fresh") {
        expect(guest.close).toBe(ErrorCode[one.answer]);
        return;
      }
      expect(guest.close).toBeUndefined();
      const { resumed, resumeToken, sessionId: given } = guest.hello as Hello;
      expect(resumed ?? false).toBe(one.answer === "resumed");
      const wanted = (one.hello?.resumeMs ?? KEEP_MS) > 0;
      expect(resumeToken?.length).toBe(wanted ? 32 : undefined);
      for (const token of tokens) expect(resumeToken).not.toEqual(token);
      if (one.answer === "resumed") expect(given).toEqual(sessionId);
      else expect(given).not.toEqual(sessionId);
      expect(given?.length).toBe(16);
      const fresh = one.answer === "fresh" ? 1 : 0;
      const others = one.shows.token === "of another session" ? 1 : 0;
      expect(world.sessions).toHaveLength(1 + others + fresh);
    },
  );

  test("cannot tell why its session does not go on", async () => {
    const fresh = CASES.filter(({ answer, hello }) => answer === "fresh" && hello === undefined);
    const answers = await Promise.all(fresh.map(async (one) => (await show(one)).guest));
    const seen = answers.map(({ close, hello, helloBytes, over }) => {
      const { sessionId, resumeToken, ...rest } = hello as Hello;
      return {
        close,
        helloBytes,
        over,
        sessionId: sessionId?.length,
        resumeToken: resumeToken?.length,
        ...rest,
      };
    });
    expect(seen.length).toBeGreaterThan(10);
    for (const answer of seen) expect(answer).toEqual(seen[0]);
  });

  test("T41 what its earlier connection still says is not heard", async () => {
    const world = new World();
    const { client, sessionId, tokens } = await prepare(world, "open");
    const [session] = world.sessions as [Session];
    const heard: string[] = [];
    session.addStreamHandler(({ name }) => {
      heard.push(name);
      return true;
    });
    await world.connect({ sessionId, resumeToken: tokens[0]! });
    client.write(fromHex("00200403 61"));
    client.write(fromHex("00c00000"));
    await settle();
    expect([heard, session.state, session.mux.table.size]).toEqual([[], "open", 0]);
    expect(client.close).toBe(ErrorCode.ERR_TAKEOVER);
  });
});
