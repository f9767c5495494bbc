import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Bytes } from "../src/core/bytes.ts";
import { HARD_DECODE_LIMITS, resolveDecodeLimits } from "../src/core/codecs/decode-limits.ts";
import { lz4 } from "../src/core/compression/lz4.ts";
import { compression } from "../src/core/compression/record-compression.ts";
import { Connection } from "../src/core/connection/connection.ts";
import { ErrorCode, type ErrorName, ProtocolError, StreamError } from "../src/core/errors.ts";
import type { SessionEvent } from "../src/core/events.ts";
import { MAIN_LANE } from "../src/core/lanes/lane.ts";
import {
  DEFAULT_LIMITS,
  HARD_LIMITS,
  type Limits,
  MAX_WINDOW_BYTES,
  resolveLimits,
} from "../src/core/limits.ts";
import { DEFAULT_RESUME_LIMITS, MOST_RESUME_LIMITS } from "../src/core/resume/resume-registry.ts";
import type { Mux } from "../src/core/streams/mux.ts";
import type { Stream } from "../src/core/streams/stream.ts";
import type { Role } from "../src/core/streams/stream-table.ts";
import { BufferPool } from "../src/core/wire/buffer-pool.ts";
import { FieldReader, FieldWriter } from "../src/core/wire/fields.ts";
import { FrameReader, type StreamId } from "../src/core/wire/frame.ts";
import * as FrameFlag from "../src/core/wire/frame-flag.ts";
import * as FrameType from "../src/core/wire/frame-type.ts";
import { decodeHello, encodeHello, type Hello } from "../src/core/wire/hello.ts";
import { decodeMetadata, encodeMetadata, type Metadata } from "../src/core/wire/metadata.ts";
import { NameReader, NameWriter } from "../src/core/wire/names.ts";
import { MAGIC, RECORD_LENGTH_BYTES, RecordReader } from "../src/core/wire/record.ts";
import { RecordWriter } from "../src/core/wire/record-writer.ts";
import { Cursor, varintBytes, writeVarint } from "../src/core/wire/varint.ts";

/** What all vectors have. Those with an `error` are refused; those with `decodeOnly` are read but not written so. */
interface Vector {
  readonly name: string;
  readonly hex: string;
  readonly meaning: string;
  readonly error?: ErrorName;
  readonly decodeOnly?: boolean;
}

const FOLDER = join(import.meta.dirname, "vectors");
const FILES = [
  "varints",
  "fields",
  "names",
  "metadata",
  "hello",
  "frames",
  "lanes",
  "refused",
  "conversations",
  "compressed",
];

function load<T>(file: string): readonly (Vector & T)[] {
  return JSON.parse(readFileSync(join(FOLDER, `${file}.json`), "utf8"));
}

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");
const bytesOf = (hex: string): Bytes => new Uint8Array(Buffer.from(hex, "hex"));

/** The code of the ProtocolError that `run` throws. */
function refusal(run: () => unknown): ErrorName | undefined {
  try {
    run();
  } catch (error) {
    if (error instanceof ProtocolError) return error.code;
    throw error;
  }
  return undefined;
}

/** Tests of one file: `read` decodes, `write` encodes again. */
function suite<T>(
  file: string,
  read: (bytes: Bytes, vector: Vector & T) => unknown,
  expected: (vector: Vector & T) => unknown,
  write: (vector: Vector & T) => Uint8Array,
): void {
  describe(`vectors/${file}.json`, () => {
    for (const vector of load<T>(file)) {
      if (vector.error !== undefined) {
        it(`refuses ${vector.name}`, () => {
          expect(refusal(() => read(bytesOf(vector.hex), vector))).toBe(vector.error);
        });
        continue;
      }
      it(`reads ${vector.name}`, () => {
        expect(read(bytesOf(vector.hex), vector)).toEqual(expected(vector));
      });
      if (vector.decodeOnly) continue;
      it(`writes ${vector.name}`, () => {
        expect(hexOf(write(vector))).toBe(vector.hex);
      });
    }
  });
}

suite<{ value: number }>(
  "varints",
  (bytes) => {
    const cursor = new Cursor(bytes);
    const value = cursor.varint();
    expect(cursor.at).toBe(bytes.length);
    return value;
  },
  ({ value }) => value,
  ({ value }) => {
    const bytes = new Uint8Array(varintBytes(value));
    expect(writeVarint(bytes, 0, value)).toBe(bytes.length);
    return bytes;
  },
);

interface Field {
  readonly key: number;
  readonly number?: number;
  readonly text?: string;
  readonly hex?: string;
}

suite<{ fields: readonly Field[] }>(
  "fields",
  (bytes, { fields }) => {
    const reader = new FieldReader(bytes);
    const found: Field[] = [];
    while (reader.next()) {
      const { number, text } = fields?.[found.length] ?? {};
      if (number !== undefined) found.push({ key: reader.key, number: reader.number() });
      else if (text !== undefined) found.push({ key: reader.key, text: reader.text() });
      else found.push({ key: reader.key, hex: hexOf(reader.bytes()) });
    }
    return found;
  },
  ({ fields }) => fields,
  ({ fields }) => {
    const writer = new FieldWriter();
    for (const { key, number, text, hex = "" } of fields) {
      if (number !== undefined) writer.number(key, number);
      else if (text !== undefined) writer.text(key, text);
      else writer.bytes(key, bytesOf(hex));
    }
    return writer.finish();
  },
);

suite<{ names: readonly string[]; maxNames?: number }>(
  "names",
  (bytes, { maxNames = 1_024 }) => {
    const reader = new NameReader(maxNames);
    const cursor = new Cursor(bytes);
    const names: string[] = [];
    while (cursor.at < cursor.end) names.push(reader.read(cursor));
    return names;
  },
  ({ names }) => names,
  ({ names, maxNames = 1_024 }) => {
    const writer = new NameWriter(maxNames);
    const labels = names.map((name) => {
      const label = writer.label(name);
      writer.commit(name);
      return label;
    });
    return Buffer.concat(labels);
  },
);

interface MetadataFields extends Omit<Metadata, "headers" | "failure"> {
  readonly headers?: readonly (readonly [string, string])[];
  readonly failure?: { readonly code: ErrorName; readonly details?: string };
}

function toMetadata({ headers, failure, ...rest }: MetadataFields): Metadata {
  const details = failure?.details === undefined ? {} : { details: bytesOf(failure.details) };
  return {
    ...rest,
    ...(headers === undefined ? {} : { headers: new Map(headers) }),
    ...(failure === undefined ? {} : { failure: { ...failure, ...details } as Metadata["failure"] & object }),
  };
}

suite<{ fields: MetadataFields }>(
  "metadata",
  (bytes) => {
    const cursor = new Cursor(bytes);
    const metadata = decodeMetadata(cursor, DEFAULT_LIMITS);
    expect(cursor.at).toBe(bytes.length);
    return metadata;
  },
  ({ fields }) => toMetadata(fields),
  ({ fields }) => encodeMetadata(toMetadata(fields), DEFAULT_LIMITS),
);

interface HelloFields extends Omit<Hello, "sessionId" | "token" | "resumeToken"> {
  readonly sessionId?: string;
  readonly token?: string;
  readonly resumeToken?: string;
}

function toHello({ sessionId, token, resumeToken, ...rest }: HelloFields): Hello {
  return {
    ...rest,
    ...(sessionId === undefined ? {} : { sessionId: bytesOf(sessionId) }),
    ...(token === undefined ? {} : { token: bytesOf(token) }),
    ...(resumeToken === undefined ? {} : { resumeToken: bytesOf(resumeToken) }),
  };
}

suite<{ fields: HelloFields }>(
  "hello",
  (bytes) => decodeHello(bytes),
  ({ fields }) => toHello(fields),
  ({ fields }) => {
    const hello = toHello(fields);
    return encodeHello(hello, hello);
  },
);

const TYPES = { ...FrameType };
const FLAGS = { ...FrameFlag };

interface Frame {
  readonly type: keyof typeof TYPES | number;
  readonly flags: readonly (keyof typeof FLAGS)[];
  readonly stream: number;
  readonly body: string;
}

const typeOf = (type: Frame["type"]): number => (typeof type === "number" ? type : TYPES[type]);
const flagsOf = (flags: Frame["flags"]): number => flags.reduce((set, flag) => set | FLAGS[flag], 0);

suite<{ frames: readonly Frame[] }>(
  "frames",
  (bytes) => {
    const reader = new FrameReader();
    reader.reset(bytes, 1);
    const frames: object[] = [];
    while (reader.next()) {
      const body = hexOf(reader.bytes.subarray(reader.bodyAt, reader.bodyEnd));
      frames.push({ type: reader.type, flags: reader.flags & ~FrameFlag.LEN, stream: reader.stream, body });
    }
    return frames;
  },
  ({ frames }) =>
    frames.map(({ type, flags, ...rest }) => ({ type: typeOf(type), flags: flagsOf(flags), ...rest })),
  ({ frames }) => {
    const writer = new RecordWriter(new BufferPool());
    writer.begin(65_536, 65_536);
    for (const { type, flags, stream, body } of frames) {
      writer.frame(typeOf(type), flagsOf(flags), stream as StreamId, body.length / 2);
      writer.put(bytesOf(body));
    }
    return writer.finish(false) as Bytes;
  },
);

const LZ4 = compression([lz4]);

suite<{ frames: string }>(
  "compressed",
  (bytes) => hexOf(LZ4.open().expand(bytes, 65_536 + 1_023)),
  ({ frames }) => frames,
  ({ frames }) => {
    const records = compression([lz4], { thresholdBytes: 64 }).open();
    records.agree([lz4.number]);
    const record = bytesOf(`00${frames}`);
    return record.subarray(0, records.compress(record, 0, record.length));
  },
);

/** The records in what a byte lane carries, given in pieces of `size` bytes. */
function readLane(bytes: Bytes, size: number): string[] {
  const reader = new RecordReader(65_536 + 1_024);
  const records: string[] = [];
  for (let at = 0; at < bytes.length; at += size) {
    reader.push(bytes.slice(at, at + size));
    for (let record = reader.next(); record !== undefined; record = reader.next())
      records.push(hexOf(record));
  }
  return records;
}

for (const size of [1, 3, 1_000_000]) {
  suite<{ records: readonly string[] }>(
    "lanes",
    (bytes) => readLane(bytes, size),
    ({ records }) => records,
    ({ records }) =>
      Buffer.concat([
        MAGIC,
        ...records.map((record) => {
          const prefix = new Uint8Array(RECORD_LENGTH_BYTES);
          const end = writeVarint(prefix, 0, record.length / 2);
          return Buffer.concat([prefix.subarray(0, end), bytesOf(record)]);
        }),
      ]),
  );
}

/** The limits that HELLO carries in the vectors, so that a changed default changes no vector. */
const LIMITS = resolveLimits({
  maxFrameBytes: 65_536,
  maxMessageBytes: 16_777_216,
  streamWindowBytes: 262_144,
  sessionWindowBytes: 1_048_576,
  maxStreams: 128,
  maxDatagramBytes: 1_150,
  keepAliveMs: 15_000,
});
const countFrom = (first: number, length: number) => Uint8Array.from({ length }, (_, i) => first + i);
/** Number of the session, and of the one that a server gives instead of one that it does not know. */
const SESSION = countFrom(0x00, 16);
const FRESH = countFrom(0x10, 16);
/** What proves the session, the first and the second time. */
const TOKEN = countFrom(0x20, 32);
const NEXT_TOKEN = countFrom(0x40, 32);
const NOW = 1_000;

/** What an end is made with beside its role. */
interface EndOptions {
  readonly messageBoundaries: boolean;
  /** Sessions can be carried on. */
  readonly resumable?: boolean;
  /** The streams of the connection before this one; for a client, who gives them up when the server agrees. */
  readonly mux?: Mux;
  readonly claim?: () => void;
  /** It is asked for records of this length. */
  readonly recordBytes?: number;
  readonly limits?: Limits;
  readonly sessionId?: Bytes;
}

/** One end, and what it sent and heard. */
class End {
  readonly connection: Connection;
  readonly sent: Bytes[] = [];
  readonly events: SessionEvent[] = [];
  readonly #options: EndOptions;

  constructor(role: Role, options: EndOptions, now = NOW) {
    const { claim, limits = LIMITS, messageBoundaries, mux, resumable } = options;
    this.#options = options;
    const give = claim === undefined ? {} : { claim };
    const resume = mux && { sessionId: SESSION, resumeToken: TOKEN, mux, ...give };
    this.connection = new Connection({
      role,
      messageBoundaries,
      limits,
      codecs: ["json"],
      now,
      ...(resumable && role === "client" ? { resumeMs: 60_000 } : {}),
      ...(resume !== undefined && role === "client" ? { resume } : {}),
    });
  }

  /** Take all output and all events. A server accepts whoever says HELLO. */
  turn(now: number): Bytes[] {
    const records: Bytes[] = [];
    for (let moved = true; moved; ) {
      moved = false;
      for (let event = this.connection.poll(); event !== undefined; event = this.connection.poll()) {
        moved = true;
        this.events.push(event);
        if (event.kind === "authenticate") this.#accept(event.hello, now);
      }
      const record = this.connection.takeOutput(MAIN_LANE, this.#options.recordBytes ?? 66_560, now);
      if (record === undefined) continue;
      moved = true;
      records.push(record);
    }
    this.sent.push(...records);
    return records;
  }

  /** The transport is gone. */
  lose(): void {
    this.connection.lost();
    this.turn(NOW);
  }

  #accept({ resumeToken }: Hello, now: number): void {
    const { mux, resumable, sessionId = SESSION } = this.#options;
    const resume = { resumeToken: resumeToken === undefined ? TOKEN : NEXT_TOKEN, resumeMs: 60_000 };
    const carried = mux === undefined ? {} : { mux };
    this.connection.accept({ sessionId, ...(resumable ? { resume } : {}), ...carried }, now);
  }
}

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

interface Said {
  readonly conversation: string;
  readonly sender: Role;
}

const text = (value: string): Bytes => new Uint8Array(Buffer.from(value));
const NO_METADATA = new Uint8Array(0);

/** Two ends, and every record in the order in which it was sent, those that are lost included. */
class Talk {
  client: End;
  server: End;
  readonly said: { readonly sender: Role; readonly hex: string }[] = [];
  now = NOW;
  readonly #options: EndOptions;
  readonly #accepted: Stream[] = [];

  constructor(options: Partial<EndOptions> = {}) {
    this.#options = { messageBoundaries: true, ...options };
    this.client = new End("client", this.#options);
    this.server = new End("server", this.#options);
  }

  /** Carry records to and fro until none is left; all of one turn first, then the answer. */
  settle(): this {
    for (let moved = true; moved; ) {
      moved = false;
      for (const [from, to] of [
        [this.client, this.server],
        [this.server, this.client],
      ] as const) {
        for (const record of from.turn(this.now)) {
          moved = true;
          this.said.push({ sender: from.connection.role, hex: hexOf(record) });
          to.connection.receive(MAIN_LANE, record.slice(), this.now);
        }
      }
    }
    return this;
  }

  /** What `from` has to say, noted; the first `arrives` of it reach the other side. */
  say(from: Role, arrives = 0): void {
    const to = from === "client" ? this.server : this.client;
    for (const [i, record] of this[from].turn(this.now).entries()) {
      this.said.push({ sender: from, hex: hexOf(record) });
      if (i < arrives) to.connection.receive(MAIN_LANE, record.slice(), this.now);
    }
  }

  /** New connections that carry the session on. */
  reconnect(client: Partial<EndOptions> = {}, server: Partial<EndOptions> = {}): void {
    const lost = { client: this.client.connection.mux, server: this.server.connection.mux };
    this.#accepted.push(...this.accepted.slice(this.#accepted.length));
    this.client = new End("client", { ...this.#options, mux: lost.client, ...client }, this.now);
    this.server = new End("server", { ...this.#options, mux: lost.server, ...server }, this.now);
  }

  /** Lose the connection, and carry the session on over another one. */
  cut(): this {
    for (const end of [this.client, this.server]) end.lose();
    this.reconnect();
    return this;
  }

  open(name: string, message: string, end: boolean) {
    const stream = this.client.connection.mux.open({ name, priority: 3, metadata: NO_METADATA });
    expect(stream.trySend(text(message))).toBe(true);
    if (end) stream.finish();
    return stream;
  }

  /** Streams that the server was asked to accept. */
  get accepted(): Stream[] {
    const heard = this.server.events.flatMap((event) => (event.kind === "stream" ? [event.stream] : []));
    return [...this.#accepted, ...heard];
  }

  wait(ms: number): this {
    this.now += ms;
    for (const { connection } of [this.client, this.server]) {
      if ((connection.deadline ?? Number.POSITIVE_INFINITY) <= this.now) connection.handleTimeout(this.now);
    }
    return this.settle();
  }
}

const CONVERSATIONS: Readonly<Record<string, () => Talk>> = {
  "unary call": () => {
    const talk = new Talk();
    const call = talk.open("math.add", "[1,2]", true);
    talk.settle();
    const answer = talk.accepted[0]!;
    expect(Buffer.from(answer.read()!).toString()).toBe("[1,2]");
    answer.trySend(text("3"));
    answer.finish();
    answer.release();
    talk.settle();
    expect(Buffer.from(call.read()!).toString()).toBe("3");
    talk.settle().wait(25);
    expect([talk.client.connection.mux.table.size, talk.server.connection.mux.table.size]).toEqual([0, 0]);
    return talk;
  },
  "second call": () => {
    const talk = new Talk().settle();
    talk.open("echo", "1", true);
    talk.open("echo", "2", true);
    talk.settle();
    for (const stream of talk.accepted) {
      stream.trySend(stream.read()!);
      stream.finish();
    }
    return talk.settle();
  },
  "failed call": () => {
    const talk = new Talk();
    talk.open("buy", "7", true);
    talk.settle();
    const answer = talk.accepted[0]!;
    answer.read();
    answer.finish(encodeMetadata({ failure: { code: "ERR_APPLICATION", name: "OutOfStock" } }, LIMITS));
    return talk.settle();
  },
  "cancelled stream": () => {
    const talk = new Talk();
    const stream = talk.open("feed", "1", false);
    talk.settle();
    const enough = new StreamError("ERR_CANCELLED", "enough");
    stream.stop(enough);
    stream.reset(enough);
    return talk.settle();
  },
  farewell: () => {
    const talk = new Talk().settle();
    talk.server.connection.goAway("restart", 1_000);
    talk.settle();
    talk.client.connection.close("ERR_NONE", "bye");
    return talk.settle();
  },
  "byte lane": () => new Talk({ messageBoundaries: false }).settle(),
  resume: () => {
    const talk = new Talk({ resumable: true, recordBytes: 2_048 });
    const up = talk.open("up", "hello", false);
    talk.settle();
    const long = "*".repeat(2_100);
    up.trySend(text(long));
    talk.open("lost", "x", true);
    talk.accepted[0]!.trySend(text("news"));
    talk.say("client", 1);
    talk.say("server");
    talk.cut().settle();
    const [first, second] = talk.accepted as [Stream, Stream];
    expect([first, first, second, up].map((stream) => Buffer.from(stream.read()!).toString())).toEqual([
      "hello",
      long,
      "x",
      "news",
    ]);
    return talk;
  },
  "resume told again": () => {
    const talk = new Talk({ resumable: true });
    const [a, b, c] = ["a", "b", "c"].map((name, i) => talk.open(name, `${i + 1}`, false)) as Stream[];
    talk.settle();
    const [gone, enough] = [
      new StreamError("ERR_CANCELLED", "gone"),
      new StreamError("ERR_CANCELLED", "enough"),
    ];
    a!.reset(gone);
    b!.stop(enough);
    c!.stop(enough);
    c!.reset(gone);
    talk.say("client");
    talk.cut().settle();
    expect(talk.accepted.map(({ receive, failure }) => [receive.error?.message, failure?.message])).toEqual([
      ["gone", undefined],
      [undefined, "enough"],
      ["gone", "enough"],
    ]);
    return talk;
  },
  "resume of an unknown session": () => {
    const talk = new Talk({ resumable: true });
    talk.open("a", "1", false);
    talk.settle();
    for (const end of [talk.client, talk.server]) end.lose();
    talk.reconnect({}, { mux: undefined as never, sessionId: FRESH });
    talk.say("client", 1);
    talk.say("server", 1);
    talk.open("again", "1", false);
    return talk.settle();
  },
  move: () => {
    const talk = new Talk({ resumable: true });
    const stream = talk.open("a", "1", false);
    talk.settle();
    const { client, server } = talk;
    talk.reconnect({ claim: () => client.connection.supersede() });
    talk.say("client", 1);
    stream.trySend(text("2"));
    // What the first connection still says; the server does not read it any more.
    const note = (end: End) => {
      const records = end.turn(talk.now);
      talk.said.push(...records.map((record) => ({ sender: end.connection.role, hex: hexOf(record) })));
      return records;
    };
    note(client);
    server.connection.supersede();
    for (const record of note(server)) client.connection.receive(MAIN_LANE, record, talk.now);
    note(client);
    expect(client.events.at(-1)).toMatchObject({ kind: "closed", resumable: true });
    talk.settle();
    expect(talk.accepted.flatMap((accepted) => [accepted.read(), accepted.read()])).toEqual([
      text("1"),
      text("2"),
    ]);
    return talk;
  },
};

describe("vectors/conversations.json", () => {
  const vectors = load<Said>("conversations");
  for (const [name, talk] of Object.entries(CONVERSATIONS)) {
    it(`holds ${name} byte by byte`, () => {
      const expected = vectors.filter(({ conversation }) => conversation === name);
      expect(talk().said).toEqual(expected.map(({ sender, hex }) => ({ sender, hex })));
    });
  }

  it("has no conversation that is not held", () => {
    expect(new Set(vectors.map(({ conversation }) => conversation))).toEqual(
      new Set(Object.keys(CONVERSATIONS)),
    );
  });
});

describe("docs/protocol.md", () => {
  const document = readFileSync(join(import.meta.dirname, "../docs/protocol.md"), "utf8");
  const vectors = FILES.flatMap((file) => load<object>(file));
  /** Rows of the tables whose first cell is `head`, as cells. */
  const rows = (head: string): string[][] => {
    const [, table = ""] = document.split(new RegExp(`^\\| ${head} \\|.*\\n\\|[-|: ]+\\|\\n`, "m"));
    const lines = table.split("\n");
    const end = lines.findIndex((line) => !line.startsWith("|"));
    return lines.slice(0, end).map((line) =>
      line
        .slice(1, -1)
        .split("|")
        .map((cell) => cell.trim()),
    );
  };
  const number = (cell: string): number => Number(cell.replaceAll(",", ""));

  it("shows only bytes that are in the vectors", () => {
    const known = new Set(vectors.map(({ hex }) => hex));
    const shown = [...document.matchAll(/^```hex\n([\s\S]*?)^```$/gm)].map(([, block = ""]) =>
      block.replaceAll(/#.*$/gm, "").replaceAll(/\s/g, ""),
    );
    expect(shown.length).toBeGreaterThan(20);
    expect(shown.filter((hex) => !known.has(hex))).toEqual([]);
  });

  it("lists every frame type", () => {
    const listed = rows("type").map(([type, name]) => [name, number(type ?? "")]);
    expect(Object.fromEntries(listed)).toEqual(TYPES);
  });

  it("lists every error", () => {
    const listed = rows("number").map(([code, name = ""]) => [name.replaceAll("`", ""), number(code ?? "")]);
    expect(Object.fromEntries(listed)).toEqual(ErrorCode);
  });

  it("lists every limit with its default and its hard limit", () => {
    const hard: Record<string, number> = { ...HARD_LIMITS, ...HARD_DECODE_LIMITS };
    const expected = Object.entries({ ...DEFAULT_LIMITS, ...DEFAULT_LIMITS.decode }).flatMap(
      ([name, value]) => (typeof value === "number" ? [[name, value, hard[name] ?? MAX_WINDOW_BYTES]] : []),
    );
    const listed = rows("limit").map(([name = "", value = "", , most = ""]) => [
      name.replaceAll("`", ""),
      number(value),
      most === "2^31-1" ? MAX_WINDOW_BYTES : number(most),
    ]);
    expect(listed.sort()).toEqual(expected.sort());
  });

  it("lists what bounds detached sessions", () => {
    const most = (cell: string) => (cell === "2^53-1" ? Number.MAX_SAFE_INTEGER : number(cell));
    const listed = rows("of detached sessions").map(([name = "", value = "", hard = ""]) => [
      name.replaceAll("`", ""),
      [number(value), most(hard)],
    ]);
    const names = Object.keys(DEFAULT_RESUME_LIMITS) as (keyof typeof DEFAULT_RESUME_LIMITS)[];
    expect(listed).toEqual(
      names.map((name) => [name, [DEFAULT_RESUME_LIMITS[name], MOST_RESUME_LIMITS[name]]]),
    );
  });

  it("lists the least value of every limit", () => {
    for (const [cell = "", , leastCell = ""] of rows("limit")) {
      const name = cell.replaceAll("`", "");
      const least = number(leastCell);
      const resolve = name in HARD_DECODE_LIMITS ? resolveDecodeLimits : resolveLimits;
      expect(() => resolve({ [name]: least }), `${name} ${least}`).not.toThrow();
      expect(() => resolve({ [name]: least - 1 }), `${name} ${least - 1}`).toThrow(RangeError);
    }
  });
});

describe("the vectors", () => {
  const vectors = FILES.flatMap((file) => load<object>(file));

  it("are many, and each name stands once", () => {
    expect(vectors.length).toBeGreaterThan(200);
    expect(new Set(vectors.map(({ name }) => name)).size).toBe(vectors.length);
  });

  it("are lower-case hex, with their meaning", () => {
    for (const { hex, meaning } of vectors) {
      expect(hex).toMatch(/^(?:[0-9a-f]{2})*$/);
      expect(meaning).not.toBe("");
    }
  });

  it("have every frame type", () => {
    const types = load<{ frames?: readonly Frame[] }>("frames").flatMap(({ frames }) => frames ?? []);
    const seen = new Set(types.map(({ type }) => type));
    const missing = Object.keys(TYPES).filter((type) => !seen.has(type as Frame["type"]));
    expect(missing).toEqual([]);
  });
});
