import { type Bytes, EMPTY } from "../core/bytes.ts";
import type { Connection } from "../core/connection.ts";
import type { ErrorName } from "../core/errors.ts";
import type { SessionEvent } from "../core/events.ts";
import { FrameFlag, FrameReader, FrameType, SESSION_ID } from "../core/frame.ts";
import { encodeMetadata } from "../core/metadata.ts";
import type { Stream } from "../core/stream.ts";
import type { Role } from "../core/stream-table.ts";
import { Cursor } from "../core/varint.ts";
import { Endpoint } from "./endpoint.ts";
import { Host, type HostObserver } from "./host.ts";
import { Exchange } from "./ledger.ts";
import type { SimulatedTransport } from "./link.ts";
import { otherRole, type World } from "./world.ts";

/** Names that streams are opened with: few, so that they are interned. */
const NAMES = ["", "a", "topic.subscribe", "n".repeat(200), "Grüße", "x1", "x2", "x3", "x4", "x5"];

/** Longest time for which a process stands still, ms. */
const FREEZE_MS = 1_000;

/** How often the streams are looked at one by one: it takes time. */
const LOOK_AT_STREAMS_EVERY = 8;

/** Charge of a message beyond its payload, with room to spare. */
const CHARGE_BYTES = 64;

/** The application of one side: opens streams, knows its ends of all of them, and checks every event. */
export class Application implements HostObserver {
  readonly role: Role;
  readonly connection: Connection;
  readonly host: Host;
  readonly endpoints: Endpoint[] = [];
  /** Ends whose stream is not over. */
  live: Endpoint[] = [];
  /** Numbers of the datagrams that were queued, and those that came. */
  readonly datagramsSent: number[] = [];
  datagramsHeard = 0;
  /** The `closed` event has come. */
  closed: { readonly code: ErrorName | undefined } | undefined;
  opened = false;
  refused = false;
  rejects = false;
  peer!: Application;
  readonly #world: World;
  readonly #byStream: Map<Stream, Endpoint> = new Map();
  readonly #frames: FrameReader = new FrameReader();
  #lastDatagram = -1;
  #pings = 0;
  #unfinishedStream = 0;
  #looks = 0;
  #helloSent = false;

  constructor(world: World, connection: Connection, transport: SimulatedTransport) {
    this.#world = world;
    this.role = connection.role;
    this.connection = connection;
    this.host = new Host(world.clock, connection, transport, this);
  }

  /** Open a stream. @returns `undefined` when the session takes none. */
  open(): Endpoint | undefined {
    const { random } = this.#world;
    if (this.refused || this.connection.state === "closing" || this.connection.state === "closed")
      return undefined;
    const header = random.chance(0.3) ? "h".repeat(random.skewed(1, 600)) : "";
    const start = { name: random.pick(NAMES), header, priority: random.int(0, 7) };
    const exchange = new Exchange(this.#world.exchanges.length + 1, this.role, start);
    const headers = new Map([["h", header]]);
    const metadata =
      header === ""
        ? EMPTY
        : encodeMetadata({ headers, priority: start.priority }, this.connection.mux.limits);
    if (header !== "") this.#world.mark("openMetadata");
    const stream = this.connection.mux.open({ name: start.name, priority: start.priority, metadata });
    this.#world.exchanges.push(exchange);
    this.#world.note(this.role, "open", exchange.number);
    return this.#add(stream, exchange);
  }

  #add(stream: Stream, exchange: Exchange): Endpoint {
    const endpoint = new Endpoint(this.#world, this.host, this.role, stream, exchange);
    this.#byStream.set(stream, endpoint);
    this.endpoints.push(endpoint);
    this.live.push(endpoint);
    return endpoint;
  }

  event(event: SessionEvent): void {
    switch (event.kind) {
      case "authenticate":
        this.#onAuthenticate();
        break;
      case "open":
        if (this.opened) this.#world.fail(`${this.role}: open came twice`);
        this.opened = true;
        this.#world.note(this.role, "open event");
        break;
      case "stream":
        this.#onStream(event.stream);
        break;
      case "datagram":
        this.#onDatagram(event.payload);
        break;
      case "pong":
        this.#onPong(event.roundTripMs);
        break;
      case "goaway":
        this.#world.note(this.role, "goaway");
        this.refused = true;
        break;
      case "closed":
        if (this.closed !== undefined) this.#world.fail(`${this.role}: closed came twice`);
        this.closed = { code: event.error?.code };
        if (this.#pings > 0) this.#world.mark("pingUnanswered");
        this.#world.note(this.role, `closed ${event.error?.code}`);
        this.#world.trace.line(this.#world.clock.now(), () => `${this.role} ${event.error?.message}`);
        break;
      case "stalled":
        break;
      default:
        this.#onStreamEvent(event.stream, event);
    }
  }

  #onAuthenticate(): void {
    const { acceptMs } = this.#world.configuration;
    const answer = (): void => {
      if (this.connection.state !== "authenticating") return;
      if (this.rejects) this.#world.fault("reject");
      if (this.rejects) this.connection.close("ERR_AUTH", "Not today");
      else this.connection.accept({ sessionId: new Uint8Array(16).fill(7) }, this.#world.clock.now());
    };
    // Inside an event, so that the connection hears of it while it delivers others.
    if (acceptMs === 0) answer();
    else this.#world.clock.schedule(() => this.host.act(answer), acceptMs);
  }

  #onStream(stream: Stream): void {
    const world = this.#world;
    const opener = this.peer.endpoints.find(
      (endpoint) => endpoint.stream.local && endpoint.stream.id === stream.id,
    );
    const exchange = opener?.exchange ?? world.fail(`${this.role}: stream ${stream.id} was never opened`);
    if (exchange.accepted) world.fail(`${this.role}: stream ${stream.id} came twice`);
    exchange.accepted = true;
    world.note(this.role, "stream", stream.id, exchange.number);
    const header = stream.metadata?.headers?.get("h") ?? "";
    if (stream.name !== exchange.name)
      world.fail(`stream ${stream.id}: name "${stream.name}" instead of "${exchange.name}"`);
    if (header !== exchange.header)
      world.fail(`stream ${stream.id}: header of ${header.length} instead of ${exchange.header.length}`);
    if (header !== "" && stream.priority !== exchange.priority)
      world.fail(`stream ${stream.id}: priority ${stream.priority}`);
    const endpoint = this.#add(stream, exchange);
    if (world.healing) endpoint.finish("");
  }

  #onStreamEvent(stream: Stream, event: SessionEvent): void {
    const endpoint = this.#byStream.get(stream);
    if (endpoint !== undefined) endpoint.hear(event);
    else if (event.kind !== "readable" && event.kind !== "stopped" && event.kind !== "delivered") {
      this.#world.fail(`${this.role}: ${event.kind} for stream ${stream.id}, which is not known`);
    }
  }

  /** Queue a datagram of `length` bytes or more. */
  sendDatagram(length: number): void {
    const payload = new Uint8Array(Math.max(4, length));
    const number = this.datagramsSent.length;
    new DataView(payload.buffer).setUint32(0, number);
    payload.fill(number & 255, 4);
    if (this.connection.sendDatagram(payload)) this.datagramsSent.push(payload.length);
    else this.#world.mark("datagramRefused");
  }

  #onDatagram(payload: Bytes): void {
    const number = new DataView(payload.buffer, payload.byteOffset).getUint32(0);
    this.#world.note(this.role, "datagram", number);
    if (number <= this.#lastDatagram)
      this.#world.fail(`${this.role}: datagram ${number} came after ${this.#lastDatagram}`);
    if (this.peer.datagramsSent[number] !== payload.length || !filledWith(payload, number & 255)) {
      this.#world.fail(`${this.role}: datagram ${number} of ${payload.length} bytes was not sent so`);
    }
    this.#lastDatagram = number;
    this.datagramsHeard++;
  }

  /** Measure the round trip. */
  ping(): void {
    this.#pings++;
    this.connection.ping();
  }

  #onPong(roundTripMs: number): void {
    const least = this.#world.configuration.link.latencyMs * 2;
    this.#world.note(this.role, "pong", roundTripMs);
    if (roundTripMs < least)
      this.#world.fail(`${this.role}: round trip of ${roundTripMs} ms over a link that takes ${least} ms`);
    if (this.#pings === 0) this.#world.mark("keepAlivePing");
    else this.#pings--;
  }

  broken(what: string): void {
    this.#world.fail(`${this.role}: ${what}`);
  }

  /** Look at the bounds that hold at every moment, and for situations that are worth a mark. */
  looked(): void {
    const world = this.#world;
    const { mux } = this.connection;
    const { outbox, window } = mux;
    const longest = world.longestBytes + CHARGE_BYTES;
    const unread = window.received - window.consumed;
    const allowed = window.limit - window.consumed;
    if (unread < 0 || allowed > window.window + longest) {
      world.fail(
        `${this.role}: ${unread} bytes are unread, ${allowed} may be, the window is ${window.window}`,
      );
    }
    if (
      outbox.queuedBytes < 0 ||
      outbox.queuedBytes > mux.limits.maxQueuedBytes + longest * (1 + mux.table.size)
    ) {
      world.fail(
        `${this.role}: ${outbox.queuedBytes} bytes are queued, the limit is ${mux.limits.maxQueuedBytes}`,
      );
    }
    if (outbox.queuedBytes > 0) this.#lookAtCredit();
    if (window.limit > window.consumed + window.window) world.mark("creditLent");
    if (window.window > mux.limits.sessionWindowBytes) world.mark("windowWidened");
    if (this.host.blocked) world.mark("transportBlocked");
    if (this.connection.state === "authenticating" && this.connection.counters.recordsReceived > 1)
      world.mark("earlyDataKept");
  }

  #lookAtCredit(): void {
    const world = this.#world;
    const { outbox, limits, table } = this.connection.mux;
    if (!this.opened) return;
    if (outbox.limit - outbox.sent < 1_024) world.mark("sessionCreditBlocked");
    if (outbox.queuedBytes >= limits.maxQueuedBytes) world.mark("queueLimitBlocked");
    if (++this.#looks % LOOK_AT_STREAMS_EVERY !== 0) return;
    for (const endpoint of this.live) {
      const { send } = endpoint.stream;
      if (send.unsent > 0 && send.limit - send.sent < Math.min(1_024, send.unsent))
        world.mark("streamCreditBlocked");
      if (this.#stalled(endpoint))
        world.fail(
          `${this.role}: half ${endpoint.out.number} waits for credit for too long: ${describe(endpoint.stream)}`,
        );
      if (endpoint.unopened && !table.mayOpen && !send.closed) world.mark("unopenedWaiting");
    }
  }

  /** Whether a stream has waited for credit for much longer than the time after which it must be given up. */
  #stalled(endpoint: Endpoint): boolean {
    const { send, progressAt } = endpoint.stream;
    const now = this.#world.clock.now();
    if (endpoint.unopened || send.unsent === 0 || send.acceptable || progressAt > endpoint.stalledSince)
      endpoint.stalledSince = now;
    return now - endpoint.stalledSince > 1.5 * this.connection.mux.limits.stallMs + FREEZE_MS;
  }

  /** A record goes out: part of the trace, and a look at its frames for marks. */
  sent(record: Bytes): void {
    const world = this.#world;
    world.note(this.role, "record", record.length);
    world.trace.addBytes(record);
    const frames = this.#frames;
    if (record[0] === 0x54 && record.length === 8) return;
    let at = 1;
    if (!world.configuration.link.messageBoundaries) {
      const cursor = new Cursor(record);
      cursor.varint();
      at = cursor.at + 1;
    }
    for (frames.reset(record, at); frames.next(); ) this.#lookAtFrame(frames);
  }

  #lookAtFrame(frame: FrameReader): void {
    const world = this.#world;
    const bodyBytes = frame.bodyEnd - frame.bodyAt;
    if (world.trace.kept) {
      const { flags, stream, type } = frame;
      const text = `${this.role}   type ${type} flags ${flags} stream ${stream}, ${bodyBytes}`;
      world.trace.line(world.clock.now(), () => text);
    }
    if (frame.type === FrameType.HELLO) this.#helloSent = true;
    if (frame.type === FrameType.OPEN && this.role === "client" && !this.opened && this.#helloSent)
      world.mark("earlyData");
    if (frame.type === FrameType.WINDOW && frame.stream !== SESSION_ID && bodyBytes === 0)
      world.mark("deliveredLazily");
    if (frame.type === FrameType.OPEN && frame.bytes[frame.bodyAt] !== 0) {
      if (((frame.bytes[frame.bodyAt] as number) & 1) === 0) world.mark("nameInterned");
      else if (this.connection.mux.limits.maxNames === 1) world.mark("nameTableFull");
    }
    if (frame.type !== FrameType.DATA && frame.type !== FrameType.OPEN) return;
    const end = FrameFlag.FIN | FrameFlag.MORE | FrameFlag.EXT;
    if (frame.type === FrameType.DATA && (frame.flags & end) === end) world.mark("trailerAlone");
    if (this.#unfinishedStream !== 0 && frame.stream !== this.#unfinishedStream)
      world.mark("fragmentsInterleaved");
    const unfinished = (frame.flags & (FrameFlag.MORE | FrameFlag.FIN)) === FrameFlag.MORE && bodyBytes > 0;
    this.#unfinishedStream = unfinished ? frame.stream : 0;
  }

  /** Forget the ends that are over. */
  prune(): void {
    this.live = this.live.filter((endpoint) => !endpoint.over);
  }

  /** Largest message that the other side accepts, as far as this side may know. */
  get mostBytes(): number {
    return this.connection.peer?.maxMessageBytes ?? this.connection.mux.limits.maxMessageBytes;
  }

  /** The role of the other side. */
  get other(): Role {
    return otherRole(this.role);
  }
}

/** Whether every byte behind the number of a datagram is `value`. */
function filledWith(payload: Bytes, value: number): boolean {
  for (let i = 4; i < payload.length; i++) if (payload[i] !== value) return false;
  return true;
}

function describe({ progressAt, send }: Stream): string {
  return `${send.sent} of ${send.queued} sent, credit up to ${send.limit}, which moved at ${progressAt} ms`;
}
