import { type Bytes, equalBytes } from "../core/bytes.ts";
import { type ErrorName, StreamError, StreamLostError, type StreamProgress } from "../core/errors.ts";
import type { SessionEvent } from "../core/events.ts";
import type { Mux } from "../core/streams/mux.ts";
import type { Stream } from "../core/streams/stream.ts";
import type { Role } from "../core/streams/stream-table.ts";
import { SESSION_ID } from "../core/wire/frame.ts";
import { encodeMetadata } from "../core/wire/metadata.ts";
import { drawMessage, type Exchange, type Half, type Message, otherRole } from "./ledger.ts";
import type { Process } from "./process.ts";
import type { World } from "./world.ts";

/** How an application reads a stream. */
type Reader = "eager" | "slow" | "stalled";

/** Charge of a message beyond its payload, with room to spare. */
const CHARGE_BYTES = 64;

/** How long a reader may stand still, ms. The longest is longer than a message may take to arrive. */
const STALLS_MS = [500, 2_000, 8_000, 45_000];

/** The application that an end of a stream belongs to. */
export interface EndpointOwner {
  readonly role: Role;
  readonly machine: Process;
  readonly mux: Mux;
  /** When its latest connection was open, ms. */
  readonly connectedAt: number;
  /** Do something with a stream, and hear what follows from it. */
  act(run: () => void): void;
}

/** One application's end of a stream: sends what was planned, reads in its own way, and checks all that it hears. */
export class Endpoint {
  readonly stream: Stream;
  readonly exchange: Exchange;
  readonly owner: EndpointOwner;
  /** What this side sends, and what it reads. */
  readonly out: Half;
  readonly in: Half;
  /** Since when the sending half was seen to wait for credit, ms. */
  stalledSince = 0;
  /** What this side was told of its progress, when the session was lost. */
  progress: StreamProgress | undefined;
  /** When the connection was last lost: whether OPEN and FIN had left, and the credit. */
  before = { opened: false, finished: false, limit: 0 };
  readonly #world: World;
  readonly #planned: Message[] = [];
  /** Largest window so far: it may get smaller, what it has granted does not. */
  #widest = 0;
  #payload: Bytes | undefined;
  #blocked = false;
  #finishWanted = false;
  #reader: Reader = "eager";
  #readScheduled = false;
  #released = false;
  /** Messages that are checked again at the end: what was read must not change. */
  readonly #kept: { readonly bytes: Bytes; readonly copy: Bytes }[] = [];

  constructor(world: World, owner: EndpointOwner, stream: Stream, exchange: Exchange) {
    this.#world = world;
    this.owner = owner;
    this.stream = stream;
    this.exchange = exchange;
    this.out = exchange.halves[owner.role];
    this.in = exchange.halves[otherRole(owner.role)];
    exchange.streams[owner.role] = stream;
    const { faults } = world.configuration;
    if (world.healing) return;
    if (faults.has("slowReader") && world.random.chance(0.3)) this.#reader = "slow";
    if (faults.has("readerStall") && world.random.chance(0.2)) this.#reader = "stalled";
    if (this.#reader !== "eager") world.fault(this.#reader === "slow" ? "slowReader" : "readerStall");
  }

  /** Whether this side may plan more messages. */
  get sendable(): boolean {
    return this.out.sending === "open" && !this.#finishWanted;
  }

  /** Whether this side has nothing more to expect. */
  get over(): boolean {
    return this.out.sending !== "open" && this.in.reading !== "open";
  }

  /** Whether OPEN is not on its way yet. */
  get unopened(): boolean {
    return this.stream.id === SESSION_ID;
  }

  /** Plan a message and send as far as possible. */
  plan(length: number): void {
    const { random } = this.#world;
    this.#planned.push(drawMessage(random, length));
    this.pump();
  }

  /** End the sending half after what is planned. */
  finish(trailer: string): void {
    if (!this.sendable) return;
    this.#finishWanted = true;
    this.out.trailer = trailer;
    this.pump();
  }

  /** Send what is planned until the stream says no. */
  pump(): void {
    const { out, stream } = this;
    while (out.sending === "open" && !this.#blocked) {
      const message = this.#planned[0];
      if (message === undefined) break;
      if (stream.failure !== undefined) return; // its event is on the way
      this.#payload ??= out.encode(out.messages.length, message);
      const sent = this.#trySend(this.#payload);
      if (sent === false) {
        this.#blocked = true;
        return;
      }
      if (sent === undefined) continue;
      this.#note("send", out.number, out.messages.length, message.length);
      this.#world.longestBytes = Math.max(this.#world.longestBytes, message.length);
      this.#markSize(message.length);
      out.messages.push(message);
      this.#planned.shift();
      this.#payload = undefined;
    }
    if (this.#finishWanted && this.#planned.length === 0 && !out.finished && out.sending === "open")
      this.#finishNow();
  }

  #markSize(length: number): void {
    const { sessionWindowBytes, streamWindowBytes } =
      this.#world.configuration.limits[otherRole(this.owner.role)];
    if (length === 0) this.#world.mark("emptyMessage");
    if (length > streamWindowBytes) this.#world.mark("messageOverWindow");
    if (length > sessionWindowBytes) this.#world.mark("messageOverSessionWindow");
  }

  /** @returns `undefined` when the peer accepts no message of that length: it is planned no more. */
  #trySend(payload: Bytes): boolean | undefined {
    const { mux, role } = this.owner;
    const tooLarge = payload.length > this.#world.configuration.limits[otherRole(role)].maxMessageBytes;
    if (tooLarge && mux.peer === undefined) this.exchange.tooLarge = true;
    if (!tooLarge || mux.peer === undefined) return this.stream.trySend(payload);
    this.#planned.shift();
    this.#payload = undefined;
    try {
      this.stream.trySend(payload);
    } catch (error) {
      if (error instanceof StreamError && error.code === "ERR_MESSAGE_TOO_LARGE") return undefined;
      throw error;
    }
    return this.#world.fail(`half ${this.out.number}: a message of ${payload.length} bytes was taken`);
  }

  #finishNow(): void {
    const { out } = this;
    out.finished = true;
    const headers = new Map([["end", out.trailer]]);
    if (out.trailer === "") this.stream.finish();
    else this.stream.finish(encodeMetadata({ headers }, this.#world.configuration.limits[this.owner.role]));
    this.#note("finish", out.number, out.messages.length);
    if (out.trailer !== "" && out.messages.length === 0) this.#world.mark("trailerEmptyStream");
  }

  /** Give up sending. */
  reset(code: ErrorName): void {
    const { exchange, out, stream } = this;
    if (out.sending !== "open" || stream.failure !== undefined) return;
    if (this.unopened) {
      exchange.withdrawn = true;
      this.#world.mark("resetUnopened");
    }
    if (out.finished) this.#world.mark("resetAfterFinish");
    if (stream.send.unsent > 0 && stream.send.sent > 0) this.#world.mark("resetInMessage");
    this.#world.fault("reset");
    this.#note("reset", out.number);
    out.resetCode = code;
    out.sending = "reset";
    stream.reset(new StreamError(code, `Sender gave up half ${out.number}`));
    this.#letGo();
  }

  /** Give up reading. */
  stop(code: ErrorName): void {
    const { stream } = this;
    const half = this.in;
    if (half.reading !== "open" || stream.receive.error !== undefined) return;
    if (this.unopened) this.#world.mark("stopUnopened");
    if (stream.receive.finished) this.#world.mark("stopAfterEnd");
    else if (half.finished) this.#world.mark("stopCrossedEnd");
    this.#world.fault("stop");
    this.#note("stop", half.number);
    half.stopCode = code;
    half.reading = "stopped";
    stream.stop(new StreamError(code, `Reader gave up half ${half.number}`));
    this.#letGo();
  }

  /** An event of this stream. */
  hear(event: SessionEvent): void {
    const { out } = this;
    switch (event.kind) {
      case "readable":
        this.#onReadable();
        break;
      case "writable":
        if (!this.#blocked) this.#world.fail(`half ${out.number}: writable although no send was refused`);
        this.#blocked = false;
        this.#world.mark("writableOffered");
        this.pump();
        break;
      case "stopped":
        if (out.sending !== "open")
          this.#world.fail(`half ${out.number}: stopped although it was ${out.sending}`);
        this.#note("stopped", out.number);
        out.sending = "stopped";
        out.sendError = event.error.code;
        this.#noteLoss(event.error);
        if (out.sendError === "ERR_SLOW_CONSUMER") this.#checkSlow();
        break;
      case "delivered":
        this.#onDelivered();
        break;
      default:
        this.#world.fail(`half ${out.number}: unexpected event ${event.kind}`);
    }
    this.#letGo();
  }

  /** A peer that had no time to read is not slow. */
  #checkSlow(): void {
    const { mux, connectedAt, machine } = this.owner;
    const since = Math.max(connectedAt, machine.wokenAt);
    const { clock } = this.#world;
    if (clock.now() - since < mux.limits.stallMs)
      this.#world.fail(
        `half ${this.out.number}: peer counts as slow ${clock.now() - since} ms after it was reached, ${mux.limits.stallMs} are allowed`,
      );
  }

  #noteLoss(error: StreamError): void {
    if (!(error instanceof StreamLostError)) return;
    const { progress } = error;
    this.progress = progress;
    const { consumed = 0 } = this.exchange.streams[otherRole(this.owner.role)]?.receive.window ?? {};
    if (progress.consumedBytes > consumed)
      this.#world.fail(
        `half ${this.out.number}: lost with ${progress.consumedBytes} bytes consumed, the peer has consumed ${consumed}`,
      );
  }

  #note(what: string, ...numbers: readonly number[]): void {
    this.#world.note(this.owner.machine, what, ...numbers);
  }

  #onDelivered(): void {
    const { exchange, out } = this;
    this.#note("delivered", out.number);
    if (out.sending !== "open")
      this.#world.fail(`half ${out.number}: delivered although it was ${out.sending}`);
    if (!out.finished) this.#world.fail(`half ${out.number}: delivered although it was not finished`);
    if (out.reading === "open" && exchange.accepted) {
      this.#world.fail(`half ${out.number}: delivered although its reader has not reached the end`);
    }
    out.sending = "delivered";
  }

  #onReadable(): void {
    if (this.#reader === "eager") this.#read(Number.POSITIVE_INFINITY);
    else if (!this.#readScheduled) this.#readLater();
  }

  #readLater(): void {
    const { clock, random } = this.#world;
    this.#readScheduled = true;
    const delay = this.#reader === "slow" ? random.int(1, 40) : random.pick(STALLS_MS);
    clock.schedule(() => this.owner.act(() => this.#readNow(random.int(1, 3))), delay);
  }

  #readNow(most: number): void {
    if (!this.#readScheduled) return;
    this.#readScheduled = false;
    if (this.#reader === "stalled") this.#reader = "eager";
    this.#read(this.#reader === "eager" ? Number.POSITIVE_INFINITY : most);
  }

  #read(most: number): void {
    const { receive } = this.stream;
    const half = this.in;
    for (let count = 0; half.reading === "open"; count++) {
      if (count >= most) {
        this.#readLater();
        return;
      }
      const message = this.stream.read(this.#borrows);
      if (message !== undefined) this.#check(message);
      if (receive.ended) this.#onEnd();
      else if (message !== undefined) continue;
      else if (receive.error !== undefined) {
        half.reading = "failed";
        half.readError = receive.error.code;
        this.#noteLoss(receive.error);
        this.#note("failed", half.number, half.read);
      }
      break;
    }
    this.#letGo();
  }

  /** Half of the readers keep nothing of a message, so that its memory is used again. */
  get #borrows(): boolean {
    return this.in.number % 2 === 0;
  }

  #check(message: Bytes): void {
    const half = this.in;
    const wrong = half.check(message);
    if (wrong !== undefined) this.#world.fail(`half ${half.number}: ${wrong}`);
    this.#note("read", half.number, half.read, message.length);
    half.read++;
    const { window } = this.stream.receive;
    this.#widest = Math.max(this.#widest, window.window);
    if (window.limit - window.consumed > this.#widest + this.#world.longestBytes + CHARGE_BYTES) {
      this.#world.fail(
        `half ${half.number}: ${window.limit - window.consumed} bytes may be unread, the window is ${window.window}`,
      );
    }
    const { random } = this.#world;
    const isPicked = message.length <= 4_096 && random.chance(0.02);
    if (isPicked && !this.#borrows) this.#kept.push({ bytes: message, copy: message.slice() });
  }

  #onEnd(): void {
    const half = this.in;
    this.#note("ended", half.number, half.read);
    if (!half.finished) this.#world.fail(`half ${half.number}: ended although its sender has not finished`);
    if (half.read !== half.messages.length) {
      this.#world.fail(`half ${half.number}: ended after ${half.read} of ${half.messages.length} messages`);
    }
    const trailer = this.stream.receive.trailer?.headers?.get("end") ?? "";
    if (trailer !== half.trailer)
      this.#world.fail(`half ${half.number}: ended with trailer "${trailer}" instead of "${half.trailer}"`);
    half.reading = "ended";
  }

  /** Free the place of a stream that the peer opened, once both halves are over. */
  #letGo(): void {
    if (this.stream.local || this.#released || !this.over) return;
    this.#released = true;
    this.stream.release();
  }

  /** Read all and end what is open: the run comes to its end. */
  heal(trailer: string): void {
    this.#reader = "eager";
    this.finish(trailer);
    this.#readScheduled = false;
    this.#read(Number.POSITIVE_INFINITY);
  }

  /** @throws {Violation} when a message changed after it was read. */
  checkKept(): void {
    for (const { bytes, copy } of this.#kept) {
      if (!equalBytes(bytes, copy))
        this.#world.fail(`half ${this.in.number}: a message changed after it was read`);
    }
  }
}
