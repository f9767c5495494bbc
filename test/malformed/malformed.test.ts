import { readdirSync, readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { type Bytes, concatBytes } from "../../src/core/bytes.ts";
import { lz4 } from "../../src/core/compression/lz4.ts";
import { compression } from "../../src/core/compression/record-compression.ts";
import { Connection } from "../../src/core/connection/connection.ts";
import { ErrorCode, type ErrorName, StreamError } from "../../src/core/errors.ts";
import { MAIN_LANE } from "../../src/core/lanes/lane.ts";
import { type Limits, resolveLimits } from "../../src/core/limits.ts";
import type { Mux } from "../../src/core/streams/mux.ts";
import type { Role } from "../../src/core/streams/stream-table.ts";
import { FrameReader } from "../../src/core/wire/frame.ts";
import * as FrameType from "../../src/core/wire/frame-type.ts";
import { encodeHello, type Hello } from "../../src/core/wire/hello.ts";
import { MAGIC } from "../../src/core/wire/record.ts";
import { fromHex, laneOf } from "../byte-lane.ts";
import { openStream, Pair, readAll } from "../pair.ts";

/** Records that one entry stands for. */
type Entry =
  | string
  /** One record: a part, and another one so many times; that record once, or `times` times. */
  | { readonly prefix: string; readonly repeat: readonly [string, number]; readonly times?: number }
  /** One record so many times. */
  | { readonly record: string; readonly times: number }
  /** OPEN of the streams from .. to, each in its record; and with RESET behind it. */
  | { readonly opens: readonly [number, number] }
  | { readonly churn: readonly [number, number] };

interface Case {
  readonly row: string;
  readonly name: string;
  /** The side that is attacked. */
  readonly role: Role;
  /**
   * How far it has come. "resuming": a session goes on, and the peer has not said RESUME. "resumed": it has said
   * {@link Case.resume}. "unknown": the client named a session, and begins a fresh one.
   */
  readonly state: "before-hello" | "authenticating" | "open" | "resuming" | "resumed" | "unknown";
  /** The connection before: the records that came, and the messages that this side sent, each on a stream of its own. */
  readonly earlier?: { readonly came: readonly string[]; readonly sent: readonly string[] };
  readonly resume?: string;
  readonly records: readonly Entry[];
  /** Code of the `closed` event, or of the stream; "none" when nothing is wrong. */
  readonly error: ErrorName | "none";
  readonly closes: boolean;
  /** The streams are left as they are, for the next connection; nothing is said. */
  readonly resumable?: boolean;
  /** The peer has said CLOSE itself. */
  readonly told?: boolean;
  /** "bytes": only for byte lanes, entries go as they are; "raw": without the magic too. */
  readonly lane?: "bytes" | "raw";
  readonly limits?: Partial<Limits>;
  /** Whether it has named LZ4. */
  readonly lz4?: boolean;
  /** Whether the application lets go of streams at once; whether it stops reading them. */
  readonly release?: boolean;
  readonly stops?: boolean;
  /** Time that passes behind the last record, ms. */
  readonly afterMs?: number;
}

const FOLDER = new URL(".", import.meta.url);
const CASES = readdirSync(FOLDER)
  .filter((name) => name.endsWith(".json"))
  .flatMap((name) => JSON.parse(readFileSync(new URL(name, FOLDER), "utf8")) as Case[]);

function recordsOf(entry: Entry, role: Role): Bytes[] {
  if (typeof entry === "string") return [fromHex(entry)];
  if ("prefix" in entry) {
    const [unit, count] = entry.repeat;
    return Array.from({ length: entry.times ?? 1 }, () => fromHex(entry.prefix + unit.repeat(count)));
  }
  if ("record" in entry) return Array.from({ length: entry.times }, () => fromHex(entry.record));
  const [from, to] = "opens" in entry ? entry.opens : entry.churn;
  return Array.from({ length: to - from + 1 }, (_, i) => {
    const id = ((from + i) * 4 + (role === "server" ? 0 : 1)) | 0x8000_0000;
    const hex = (id >>> 0).toString(16);
    if (from + i < 16) return fromHex(`00${"churn" in entry ? churn(small(id)) : `20${small(id)}00`}`);
    const wide = from + i < 4_096 ? ((id & 0x3fff) | 0x4000).toString(16) : hex;
    return fromHex(`00${"churn" in entry ? churn(wide) : `20${wide}00`}`);
  });
}

function small(id: number): string {
  return (id & 63).toString(16).padStart(2, "0");
}

/** OPEN with an empty message, and RESET with its position. */
function churn(id: string): string {
  return `28${id}0100` + `50${id}0020`;
}

/** RESUME of a peer that has everything: a message of 5 bytes on stream 4 of the client, and one on 5 of the server. */
const RESUME = "00a000" + "0001008010000040" + "80" + "0400000080040000" + "0500250080040000";

const SESSION = { sessionId: new Uint8Array(16), resumeToken: new Uint8Array(32), resumeMs: 60_000 };

/** A HELLO of the other side, in a record. */
function helloOf(fields: Partial<Hello>): Bytes {
  const body = encodeHello({ codecs: [], ...fields }, { ...resolveLimits(), ...fields });
  return concatBytes([fromHex("001000"), body], 3 + body.length);
}

/** The side that is attacked, and what it says. */
class Victim {
  readonly connection: Connection;
  readonly written: Bytes[] = [];
  closed: string | undefined;
  now = 1_000;
  most = 0;
  readonly streamErrors = new Set<string>();
  readonly #case: Case;
  readonly #boundaries: boolean;
  readonly #mux: Mux | undefined;

  /** @param mux - the streams of an earlier connection */
  constructor(one: Case, boundaries: boolean, mux?: Mux) {
    this.#case = one;
    this.#boundaries = boundaries;
    this.#mux = mux;
    const { sessionId, resumeToken, resumeMs } = SESSION;
    const asks = mux !== undefined && one.role === "client";
    this.connection = new Connection({
      role: one.role,
      messageBoundaries: boundaries,
      limits: resolveLimits(one.limits),
      codecs: [],
      now: this.now,
      ...(one.earlier !== undefined && one.role === "client" ? { resumeMs } : {}),
      ...(one.lz4 === true ? { compression: compression([lz4]).open() } : {}),
      ...(asks ? { resume: { sessionId, resumeToken, mux } } : {}),
    });
  }

  /** A connection with the streams of {@link Case.earlier}, which was lost. */
  static after(one: Case, boundaries: boolean): Victim {
    const { came, sent } = one.earlier as Case["earlier"] & object;
    const before = new Victim({ ...one, state: "open" }, boundaries);
    before.pump();
    before.hear(helloOf(SESSION));
    const { mux } = before.connection;
    for (const message of sent)
      mux.open({ name: "", priority: 3, metadata: new Uint8Array(0) }).trySend(fromHex(message));
    before.pump();
    for (const record of came) before.hear(fromHex(record));
    before.connection.lost();
    before.pump();
    expect(before.closed).toBe("ERR_CONNECTION_LOST");
    return new Victim(one, boundaries, mux);
  }

  /** One record; on a byte lane with its length, and behind the magic where it is the first one. */
  hear(record: Bytes): void {
    const lane = laneOf([record]);
    const begun = this.connection.counters.bytesReceived > 0;
    this.give(this.#boundaries ? record : begun ? lane.slice(MAGIC.length) : lane, Number.POSITIVE_INFINITY);
  }

  /** What a peer says first that names a session, or carries it on. */
  greetAgain(): void {
    const { state } = this.#case;
    const { sessionId, resumeToken, resumeMs } = SESSION;
    const resumed = this.#case.role === "client" && state !== "unknown";
    this.pump();
    this.hear(helloOf({ sessionId, resumeToken, resumeMs, ...(resumed ? { resumed } : {}) }));
    expect(this.connection.state).toBe(state === "unknown" ? "open" : "resuming");
    if (state !== "resumed") return;
    this.hear(fromHex(this.#case.resume ?? RESUME));
    expect(this.connection.state).toBe("open");
  }

  /** What a well-behaved peer says first. */
  greet(): void {
    const peer = new Connection({
      role: this.#case.role === "server" ? "client" : "server",
      messageBoundaries: true,
      limits: resolveLimits(),
      codecs: [],
      now: 0,
    });
    this.pump();
    if (peer.options.role === "server") peer.receive(MAIN_LANE, this.hello(), 0);
    if (peer.options.role === "server") peer.accept({ sessionId: new Uint8Array(16) }, 0);
    const hello = peer.takeOutput(MAIN_LANE, 65_536, 0) as Bytes;
    this.give(this.#boundaries ? hello : laneOf([hello]), hello.length + 100);
    expect(this.connection.state).toBe("open");
  }

  /** The record with this side's HELLO, without the length of a byte lane. */
  hello(): Bytes {
    const record = this.written.at(-1) as Bytes;
    return this.#boundaries ? record : record.subarray(1 << ((record[0] as number) >>> 6));
  }

  give(bytes: Bytes, pieceBytes: number): void {
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      this.connection.receive(MAIN_LANE, bytes.slice(at, at + pieceBytes), this.now);
      this.pump();
    }
    if (bytes.length === 0) this.connection.receive(MAIN_LANE, bytes, this.now);
  }

  /** Hear events, write output. */
  pump(): void {
    for (let event = this.connection.poll(); event !== undefined; event = this.connection.poll()) {
      if (event.kind === "closed") this.closed = event.error?.code ?? "ERR_NONE";
      if (event.kind === "authenticate" && this.#case.state !== "authenticating") this.#accept();
      if (event.kind === "stream" && this.#case.stops === true)
        event.stream.stop(new StreamError("ERR_CANCELLED", ""));
      if (event.kind === "stream" && this.#case.release === true) {
        event.stream.finish();
        event.stream.release();
        event.stream.reset(new StreamError("ERR_CANCELLED", ""));
      }
      if (event.kind === "readable" && event.stream.receive.error !== undefined) {
        this.streamErrors.add(event.stream.receive.error.code);
      }
    }
    for (;;) {
      const record = this.connection.takeOutput(MAIN_LANE, 65_536, this.now);
      if (record === undefined) break;
      this.written.push(record);
    }
    const { window } = this.connection.mux;
    this.most = Math.max(this.most, window.received - window.consumed);
  }

  #accept(): void {
    const { sessionId, resumeToken, resumeMs } = SESSION;
    const { earlier, state } = this.#case;
    const keeps = earlier !== undefined || state === "unknown";
    const mux = this.#mux === undefined ? {} : { mux: this.#mux };
    this.connection.accept(
      { sessionId, ...(keeps ? { resume: { resumeToken, resumeMs } } : {}), ...mux },
      this.now,
    );
  }

  /** Code in the CLOSE that was written last. */
  get closeWritten(): number | undefined {
    const record = this.written.at(-1);
    if (record === undefined) return undefined;
    const reader = new FrameReader();
    reader.reset(record, (this.#boundaries ? 0 : 1 << ((record[0] as number) >>> 6)) + 1);
    while (reader.next()) if (reader.type === FrameType.CLOSE) return reader.bytes[reader.bodyAt];
    return undefined;
  }
}

/** States in which the peer has said nothing. */
const BEFORE: ReadonlySet<Case["state"]> = new Set(["before-hello", "authenticating"]);

/** The attack on a lane with record boundaries, or on one of bytes in pieces. */
function attack(one: Case, pieceBytes: number | undefined): Victim {
  const boundaries = pieceBytes === undefined;
  const victim = one.earlier === undefined ? new Victim(one, boundaries) : Victim.after(one, boundaries);
  victim.pump();
  if (one.state === "open") victim.greet();
  else if (!BEFORE.has(one.state)) victim.greetAgain();
  const records = one.records.flatMap((entry) => recordsOf(entry, one.role));
  if (pieceBytes === undefined) {
    for (const record of records) victim.give(record, Number.POSITIVE_INFINITY);
  } else {
    const magic = !BEFORE.has(one.state) || one.lane === "raw" ? [] : [MAGIC];
    const lane = one.lane === undefined ? [laneOf(records).subarray(MAGIC.length)] : records;
    const parts = [...magic, ...lane];
    const whole = concatBytes(
      parts,
      parts.reduce((sum, { length }) => sum + length, 0),
    );
    victim.give(whole, pieceBytes);
  }
  if (one.afterMs !== undefined) {
    const end = victim.now + one.afterMs;
    for (let due = victim.connection.deadline; due <= end; ) {
      victim.now = Math.max(victim.now, due);
      victim.connection.handleTimeout(victim.now);
      victim.pump();
      due = victim.connection.deadline;
    }
    victim.now = end;
  }
  return victim;
}

function check(one: Case, victim: Victim): void {
  expect(victim.closed).toBe(one.closes ? one.error : undefined);
  const limits = resolveLimits(one.limits);
  expect(victim.most).toBeLessThanOrEqual(limits.maxSessionWindowBytes + limits.maxMessageBytes);
  if (one.resumable) {
    expect(victim.connection.state).toBe("closed");
    expect(victim.connection.mux.table.size).toBeGreaterThan(0);
    expect(victim.closeWritten).toBeUndefined();
    return;
  }
  if (one.closes) {
    expect(victim.connection.state).toBe("closed");
    expect(victim.connection.mux.table.size).toBe(0);
    if (one.told) return;
    // A client that never said HELLO gets no answer, unless it said one of another version.
    const silent = one.role === "server" && one.state === "before-hello" && one.error !== "ERR_VERSION";
    if (silent) expect(victim.written).toEqual([]);
    else expect(victim.closeWritten).toBe(ErrorCode[one.error as ErrorName]);
    return;
  }
  expect(victim.connection.state).toBe("open");
  expect([...victim.streamErrors]).toEqual(one.error === "none" ? [] : [one.error]);
}

/** Another connection of this process goes on as before. */
function checkNeighbour(pair: Pair): void {
  const stream = openStream(pair.client, "echo");
  stream.trySend(new Uint8Array([1, 2, 3]));
  stream.finish();
  pair.settle();
  const accepted = pair.streams("server").at(-1)!;
  expect(readAll(accepted)).toEqual([new Uint8Array([1, 2, 3])]);
  accepted.finish();
  accepted.release();
  pair.settle();
  readAll(stream);
  pair.settle();
}

describe("malformed input", () => {
  const neighbour = new Pair().open();

  test("there are cases for every row of the mux", () => {
    expect(CASES.length).toBeGreaterThanOrEqual(45);
    const rows = new Set(CASES.map(({ row }) => row));
    for (let row = 1; row <= 16; row++) expect(rows).toContain(`T${row}`);
    for (const row of ["T19", "T23", "T25", "T31", "T41", "T42", "T43"]) expect(rows).toContain(row);
  });

  test.each(CASES.map((one) => [`${one.row} ${one.name}: ${one.error}`, one] as const))(
    "%s",
    (_name, one) => {
      if (one.lane === undefined) check(one, attack(one, undefined));
      const bytes = JSON.stringify(one.records).length;
      const long = one.records.some((entry) => typeof entry !== "string") || bytes > 10_000;
      check(one, attack(one, 1_024));
      check(one, attack(one, long ? 37 : 1));
      checkNeighbour(neighbour);
    },
  );
});
