import { createHash } from "node:crypto";
import {
  type CallContext,
  client,
  clientStream,
  contract,
  implement,
  type MessageStream,
  type Session,
  serverStream,
  type,
  unary,
} from "../../src/node/index.ts";
import { Random } from "../../src/testing/index.ts";
import type { DataRecord, Log } from "./log.ts";

/** A record as it travels in a call. */
interface TextRecord {
  readonly producer: string;
  readonly n: number;
  readonly text: string;
}

const record = type<TextRecord>();
const api = contract({
  /** Answers what it is asked. Not idempotent: the auditor counts how often it runs. */
  echo: unary({ input: record, output: record }),
  /** So many numbered items. */
  list: serverStream({
    input: type<{ readonly count: number; readonly bytes: number }>(),
    output: record,
  }),
  /** Takes records, answers how many. */
  collect: clientStream({ input: record, output: type<number>() }),
});

/** How much a script sends: lengths are bytes of data, a list has one entry a message. */
export interface ScriptSize {
  /** Calls that run at a time, and calls that wait for each other. */
  readonly together: number;
  readonly calls: number;
  readonly items: number;
  readonly collected: number;
  /** Small messages, both ways. */
  readonly talk: number;
  readonly smallBytes: number;
  /** Large messages, both ways. */
  readonly large: readonly number[];
  readonly fileChunks: number;
  readonly chunkBytes: number;
}

/** Some 30 KiB in each direction. */
export const SHORT_SCRIPT: ScriptSize = {
  together: 8,
  calls: 8,
  items: 10,
  collected: 10,
  talk: 10,
  smallBytes: 24,
  large: [9_000, 11_000],
  fileChunks: 3,
  chunkBytes: 4_096,
};

/** Some 1 MiB from the client, and 0.6 MiB to it. */
export const LONG_SCRIPT: ScriptSize = {
  together: 20,
  calls: 20,
  items: 50,
  collected: 50,
  talk: 50,
  smallBytes: 200,
  large: [100_000, 300_000, 200_000],
  fileChunks: 32,
  chunkBytes: 16_384,
};

/** The short one, with more streams at a time than one RESUME frame names. */
export const WIDE_SCRIPT: ScriptSize = { ...SHORT_SCRIPT, together: 110, calls: 30 };

/** Time that every fourth answer takes, ms: a connection may be lost in between. */
const THINK_MS = 3;

/** One side of one run: where it logs, and how its records are named. */
export interface Side {
  /** Name of the run: a part of every producer's name. */
  readonly run: string;
  readonly log: Log;
  readonly size: ScriptSize;
  /** Connections made so far. */
  epoch(): number;
}

/** One side of one session. */
class Scribe {
  readonly side: Side;
  readonly session: string;

  constructor(side: Side, session: string) {
    this.side = side;
    this.session = session;
  }

  /** The name of a producer of this run. */
  name(purpose: string): string {
    return `${this.side.run}/${purpose}`;
  }

  /** A record that is about to be sent. */
  intend(producer: string, n: number, length: number): DataRecord {
    const data = dataOf(producer, n, length);
    this.side.log.intent({ producer, n, data });
    return { producer, n, data };
  }

  /** All records of `producer` have arrived, or will. */
  ack(producer: string, count: number): void {
    this.side.log.ack(producer, count);
  }

  /** A record arrived on the stream of that name. */
  deliver(stream: string, arrived: DataRecord): void {
    const { log, epoch } = this.side;
    log.delivery(this.name(stream), arrived, this.session, epoch());
  }

  /** Send a message of each of these lengths, and close. */
  async sendAll(stream: MessageStream, purpose: string, lengths: readonly number[]): Promise<void> {
    const producer = this.name(purpose);
    for (const [n, length] of lengths.entries()) await stream.send(pack(this.intend(producer, n, length)));
    await stream.close();
    this.ack(producer, lengths.length);
  }

  /** Receive messages to the end. @returns the hash of all of them. */
  async receiveAll(stream: MessageStream, purpose: string): Promise<string> {
    const hash = createHash("sha256");
    for await (const message of stream) {
      const arrived = unpack(message);
      hash.update(arrived.data);
      this.deliver(purpose, arrived);
      await nextTurn(); // what has arrived meanwhile waits to be read
    }
    return hash.digest("hex");
  }
}

/** The handlers of the server. `find` gives the server's side of the run that a session belongs to. */
export class ScriptServer {
  readonly #find: (session: Session) => Side;
  readonly #scribes: WeakMap<Session, Scribe> = new WeakMap();
  /** Answers given so far, by producer. */
  readonly #answers: Map<string, number> = new Map();
  #sessions = 0;

  readonly service: ReturnType<typeof implement> = implement(api, {
    echo: (asked, context) => this.#echo(asked, context),
    list: (asked, context) => this.#list(asked.count, asked.bytes, context),
    collect: (messages, context) => this.#collect(messages, context),
  });

  constructor(find: (session: Session) => Side) {
    this.#find = find;
  }

  /** Take the streams of a session. */
  attach(session: Session): void {
    const scribe = this.#scribe(session);
    const { size } = scribe.side;
    for (const name of ["talk", "large"] as const) {
      session.onStream(name, async (stream) => {
        await Promise.all([
          scribe.receiveAll(stream, `${name}-up`),
          scribe.sendAll(stream, `${name}-down`, lengthsOf(size, name)),
        ]);
      });
    }
    session.onStream("file", async (stream) => {
      const hash = await scribe.receiveAll(stream, "file");
      await stream.send(new TextEncoder().encode(hash));
      await stream.close();
    });
  }

  #scribe(session: Session): Scribe {
    const known = this.#scribes.get(session);
    if (known !== undefined) return known;
    const side = this.#find(session);
    const scribe = new Scribe(side, `${side.run}#${++this.#sessions}`);
    this.#scribes.set(session, scribe);
    return scribe;
  }

  async #echo(asked: TextRecord, { session }: CallContext): Promise<TextRecord> {
    const scribe = this.#scribe(session);
    const arrived = fromText(asked);
    scribe.deliver("echo", arrived);
    const producer = `${asked.producer}-answers`;
    const n = this.#answers.get(producer) ?? 0;
    this.#answers.set(producer, n + 1);
    const last = asked.producer.charCodeAt(asked.producer.length - 1);
    if ((last + n) % 4 === 3) await new Promise((resolve) => setTimeout(resolve, THINK_MS));
    scribe.side.log.intent({ producer, n, data: arrived.data });
    // The session outlives its connections, so what a handler returns will arrive.
    scribe.side.log.ack(producer, n + 1, n);
    return { producer, n, text: asked.text };
  }

  async *#list(count: number, bytes: number, { session }: CallContext): AsyncGenerator<TextRecord> {
    const scribe = this.#scribe(session);
    const producer = scribe.name("list");
    for (let n = 0; n < count; n++) {
      yield toText(scribe.intend(producer, n, bytes));
      if (n % 4 === 3) await nextTurn();
    }
    scribe.ack(producer, count);
  }

  async #collect(messages: AsyncIterable<TextRecord>, { session }: CallContext): Promise<number> {
    const scribe = this.#scribe(session);
    let count = 0;
    for await (const message of messages) {
      scribe.deliver("collect", fromText(message));
      count++;
    }
    return count;
  }

  /** Forget what is only known of this run. */
  forget(run: string): void {
    for (const producer of this.#answers.keys())
      if (producer.startsWith(`${run}/`)) this.#answers.delete(producer);
  }
}

/** What the client does over one session: first everything that is small, then what is large. */
export class ScriptClient {
  /** What has begun and not ended. */
  readonly unfinished: Set<string> = new Set();
  readonly #scribe: Scribe;
  readonly #session: Session;
  readonly #api: ReturnType<typeof client<typeof api>>;

  constructor(session: Session, side: Side) {
    this.#session = session;
    this.#scribe = new Scribe(side, `${side.run}#client`);
    this.#api = client(session, api);
  }

  /** @throws when anything does not end as it should. */
  async play(): Promise<void> {
    const { calls, together } = this.#scribe.side.size;
    const single = Array.from({ length: together }, (_, i) =>
      this.#step(`call-${i}`, () => this.#calls(`call-${i}`, 1)),
    );
    await Promise.all([
      ...single,
      this.#step("calls", () => this.#calls("calls", calls)),
      this.#step("list", () => this.#list()),
      this.#step("collect", () => this.#collect()),
      this.#step("talk", () => this.#exchange("talk")),
    ]);
    await Promise.all([
      this.#step("large", () => this.#exchange("large")),
      this.#step("file", () => this.#file()),
      this.#step("last calls", () => this.#calls("last-calls", calls)),
    ]);
  }

  async #step(name: string, run: () => Promise<void>): Promise<void> {
    this.unfinished.add(name);
    try {
      await run();
    } catch (cause) {
      throw new Error(`Cannot finish ${name}: ${cause instanceof Error ? cause.message : cause}`, { cause });
    }
    this.unfinished.delete(name);
  }

  /** Calls that wait for each other. */
  async #calls(purpose: string, count: number): Promise<void> {
    const scribe = this.#scribe;
    const producer = scribe.name(purpose);
    for (let n = 0; n < count; n++) {
      const asked = toText(scribe.intend(producer, n, scribe.side.size.smallBytes));
      const answer = await this.#api.echo(asked);
      scribe.deliver("answers", fromText(answer));
      if (answer.text !== asked.text) throw new Error(`Call ${n} has another answer`);
    }
    scribe.ack(producer, count);
  }

  async #list(): Promise<void> {
    const { items, smallBytes } = this.#scribe.side.size;
    let count = 0;
    for await (const item of this.#api.list({ count: items, bytes: smallBytes })) {
      this.#scribe.deliver("list", fromText(item));
      count++;
    }
    if (count !== items) throw new Error(`${count} items of ${items} arrived`);
  }

  async #collect(): Promise<void> {
    const scribe = this.#scribe;
    const { collected, smallBytes } = scribe.side.size;
    const producer = scribe.name("collect");
    const call = this.#api.collect();
    for (let n = 0; n < collected; n++) await call.send(toText(scribe.intend(producer, n, smallBytes)));
    const count = await call.finish();
    if (count !== collected) throw new Error(`${count} records of ${collected} arrived`);
    scribe.ack(producer, collected);
  }

  async #exchange(name: "talk" | "large"): Promise<void> {
    const scribe = this.#scribe;
    const stream = this.#session.openStream(name);
    await Promise.all([
      scribe.sendAll(stream, `${name}-up`, lengthsOf(scribe.side.size, name)),
      scribe.receiveAll(stream, `${name}-down`),
    ]);
  }

  async #file(): Promise<void> {
    const scribe = this.#scribe;
    const { fileChunks, chunkBytes } = scribe.side.size;
    const lengths = new Array<number>(fileChunks).fill(chunkBytes);
    const hash = createHash("sha256");
    for (const n of lengths.keys()) hash.update(dataOf(scribe.name("file"), n, chunkBytes));
    const stream = this.#session.openStream("file", { priority: 5 });
    await scribe.sendAll(stream, "file", lengths);
    const answer = await stream.receive();
    if (answer === undefined) throw new Error("The file has no answer");
    if (new TextDecoder().decode(answer) !== hash.digest("hex")) throw new Error("The file is another one");
    if ((await stream.receive()) !== undefined) throw new Error("The file has two answers");
  }
}

function lengthsOf(size: ScriptSize, name: "talk" | "large"): readonly number[] {
  return name === "large" ? size.large : new Array<number>(size.talk).fill(size.smallBytes);
}

/** Resolves when the event loop has gone round. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Bytes to cut data from. */
const PATTERN = new Random(20).bytes(1_048_576);

/** Data that belongs to this record only. */
function dataOf(producer: string, n: number, length: number): Uint8Array {
  let at = n + 1;
  for (let i = 0; i < producer.length; i++) at = Math.imul(at ^ producer.charCodeAt(i), 0x01000193) >>> 0;
  const start = at % (PATTERN.length - length);
  return PATTERN.subarray(start, start + length);
}

function toText({ producer, n, data }: DataRecord): TextRecord {
  return { producer, n, text: Buffer.from(data).toString("base64") };
}

function fromText({ producer, n, text }: TextRecord): DataRecord {
  return { producer, n, data: Buffer.from(text, "base64") };
}

const HEADER_BYTES = 5;

/** A record as a message: the length of the name in one byte, `n` in four, the name, the data. */
function pack({ producer, n, data }: DataRecord): Uint8Array<ArrayBuffer> {
  const name = new TextEncoder().encode(producer);
  const message = new Uint8Array(HEADER_BYTES + name.length + data.length);
  message[0] = name.length;
  new DataView(message.buffer).setUint32(1, n);
  message.set(name, HEADER_BYTES);
  message.set(data, HEADER_BYTES + name.length);
  return message;
}

function unpack(message: Uint8Array): DataRecord {
  const end = HEADER_BYTES + (message[0] ?? 0);
  return {
    producer: new TextDecoder().decode(message.subarray(HEADER_BYTES, end)),
    n: new DataView(message.buffer, message.byteOffset).getUint32(1),
    data: message.subarray(end),
  };
}
