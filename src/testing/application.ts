import { type Bytes, EMPTY } from "../core/bytes.ts";
import type { ErrorName, WireError } from "../core/errors.ts";
import type { SessionEvent } from "../core/events.ts";
import type { Mux } from "../core/streams/mux.ts";
import { type Stream, WAITS } from "../core/streams/stream.ts";
import type { Role } from "../core/streams/stream-table.ts";
import { encodeMetadata } from "../core/wire/metadata.ts";
import { Endpoint, type EndpointOwner } from "./endpoint.ts";
import type { Host } from "./host.ts";
import { Exchange, otherRole } from "./ledger.ts";
import type { Process } from "./process.ts";
import type { Random } from "./random.ts";
import type { World } from "./world.ts";

/** Names that streams are opened with: few, so that they are interned. */
const NAMES = ["", "a", "topic.subscribe", "n".repeat(200), "Grüße", "x1", "x2", "x3", "x4", "x5"];

/** Longest time for which a process stands still without being asleep, ms. */
const FREEZE_MS = 1_000;

/** How often the streams are looked at one by one: it takes time. */
const LOOK_AT_STREAMS_EVERY = 8;

/** Charge of a message beyond its payload, with room to spare. */
const CHARGE_BYTES = 64;

/** Charged bytes that go out before what is kept is looked at: a turn of one stream. */
const TURN_BYTES = 20_000;

/** The application of one side of a session: opens streams, knows its ends of all of them, and checks every event. */
export class Application implements EndpointOwner {
  readonly role: Role;
  readonly machine: Process;
  readonly mux: Mux;
  /** Tells the sessions of a run apart. */
  readonly number: number;
  readonly endpoints: Endpoint[] = [];
  /** Ends whose stream is not over. */
  live: Endpoint[] = [];
  /** Numbers of the datagrams that were queued, and those that came. */
  readonly datagramsSent: number[] = [];
  datagramsHeard = 0;
  /** The application of the other side; `undefined` while there is none. */
  peer: Application | undefined;
  /** The connection that carries the session, or begins it; `undefined` while none does. */
  host: Host | undefined;
  /** Connections that have carried it. */
  connections = 0;
  /** When the latest one was open, ms. */
  connectedAt = 0;
  /** Connections that it has lost, or left. */
  losses = 0;
  /** The session is over for this side, and why. */
  ended: { readonly code: ErrorName | undefined } | undefined;
  /** The client has tried to carry the session on for as long as it does. */
  expired = false;
  /** The other side takes no new streams; this side does not. */
  refused = false;
  goesAway = false;
  /** A connection of somebody else, or one that the client had given up, has taken the session over. */
  stolen: "thief" | "own" | undefined;
  readonly #world: World;
  readonly #byStream: Map<Stream, Endpoint> = new Map();
  /** Draws which streams have lanes of their own, so that nothing else depends on it. */
  readonly #aside: Random;
  #lastDatagram = -1;
  #pings = 0;
  #looks = 0;
  /** Largest window so far: it may get smaller, what it has granted does not. */
  #widest = 0;

  constructor(world: World, machine: Process, role: Role, mux: Mux, number: number) {
    this.#world = world;
    this.machine = machine;
    this.role = role;
    this.mux = mux;
    this.number = number;
    this.#aside = world.random.fork(2 * number + (role === "client" ? 0 : 1));
  }

  /** How this side is called in reports. */
  get name(): string {
    return `${this.machine.name}, session ${this.number}`;
  }

  /** Whether nothing of it is ever heard again: its process has ended. */
  get gone(): boolean {
    return this.machine.over;
  }

  /** Whether its connection is open. */
  get connected(): boolean {
    return this.host?.connection.state === "open" && this.host.connection.mux === this.mux;
  }

  /** Do something with the session, and hear what follows from it. */
  act(run: () => void): void {
    this.machine.whenAwake(() => {
      run();
      this.settle();
    });
  }

  /** Hear what has happened. */
  settle(): void {
    const { host, mux } = this;
    if (host?.connection.mux === mux) return host.settle();
    for (let event = mux.poll(); event !== undefined; event = mux.poll()) this.event(event);
    this.looked();
  }

  /** The session is over: whatever is open ends with it. */
  end(error: WireError | undefined): void {
    if (this.ended !== undefined) return;
    this.ended = { code: error?.code };
    this.host = undefined;
    this.#world.note(this.machine, `session ended ${error?.code}`, this.number);
    if (this.mux.over) return;
    this.mux.fail(error);
    for (let event = this.mux.poll(); event !== undefined; event = this.mux.poll()) this.event(event);
  }

  /** Open a stream. @returns `undefined` when the session takes none. */
  open(): Endpoint | undefined {
    const { random } = this.#world;
    if (this.refused || this.ended !== undefined || this.mux.over) return undefined;
    const header = random.chance(0.3) ? "h".repeat(random.skewed(1, 600)) : "";
    const start = { name: random.pick(NAMES), header, priority: random.int(0, 7) };
    const exchange = new Exchange(this.#world.exchanges.length + 1, this.role, start);
    const headers = new Map([["h", header]]);
    const metadata =
      header === ""
        ? EMPTY
        : encodeMetadata(
            { headers, priority: start.priority, ownLane: this.#aside.chance(0.5) },
            this.mux.limits,
          );
    if (header !== "") this.#world.mark("openMetadata");
    const { name, priority } = start;
    const stream = this.mux.open({ name, priority, ownLane: this.#aside.chance(0.5), metadata });
    this.#world.exchanges.push(exchange);
    this.#world.note(this.machine, "open", exchange.number);
    return this.#add(stream, exchange);
  }

  #add(stream: Stream, exchange: Exchange): Endpoint {
    const endpoint = new Endpoint(this.#world, this, stream, exchange);
    this.#byStream.set(stream, endpoint);
    this.endpoints.push(endpoint);
    this.live.push(endpoint);
    return endpoint;
  }

  /** Something of the session itself has happened: what concerns connections does not come here. */
  event(event: SessionEvent): void {
    switch (event.kind) {
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
        this.#world.note(this.machine, "goaway");
        this.refused = true;
        break;
      case "authenticate":
      case "open":
      case "stalled":
      case "closed":
        this.#world.fail(`${this.name}: ${event.kind} came without a connection`);
        break;
      default:
        this.#onStreamEvent(event.stream, event);
    }
  }

  #onStream(stream: Stream): void {
    const world = this.#world;
    const opener = this.peer?.endpoints.find(
      (endpoint) => endpoint.stream.local && endpoint.stream.id === stream.id,
    );
    const exchange = opener?.exchange ?? world.fail(`${this.name}: stream ${stream.id} was never opened`);
    if (exchange.accepted) world.fail(`${this.name}: stream ${stream.id} came twice`);
    exchange.accepted = true;
    if (exchange.openLost) world.mark("openLostAndReopened");
    world.note(this.machine, "stream", stream.id, exchange.number);
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
      this.#world.fail(`${this.name}: ${event.kind} for stream ${stream.id}, which is not known`);
    }
  }

  /** Queue a datagram of `length` bytes or more. */
  sendDatagram(length: number): void {
    const payload = new Uint8Array(Math.max(4, length));
    const number = this.datagramsSent.length;
    new DataView(payload.buffer).setUint32(0, number);
    payload.fill(number & 255, 4);
    const connection = this.connected ? this.host?.connection : undefined;
    if (connection?.sendDatagram(payload)) this.datagramsSent.push(payload.length);
    else this.#world.mark("datagramRefused");
  }

  #onDatagram(payload: Bytes): void {
    const number = new DataView(payload.buffer, payload.byteOffset).getUint32(0);
    this.#world.note(this.machine, "datagram", number);
    if (number <= this.#lastDatagram)
      this.#world.fail(`${this.name}: datagram ${number} came after ${this.#lastDatagram}`);
    if (this.peer?.datagramsSent[number] !== payload.length || !filledWith(payload, number & 255)) {
      this.#world.fail(`${this.name}: datagram ${number} of ${payload.length} bytes was not sent so`);
    }
    this.#lastDatagram = number;
    this.datagramsHeard++;
  }

  /** Measure the round trip. */
  ping(): void {
    if (!this.connected) return;
    this.#pings++;
    this.host?.connection.ping();
  }

  #onPong(roundTripMs: number): void {
    const least = this.#world.configuration.link.latencyMs * 2;
    this.#world.note(this.machine, "pong", roundTripMs);
    if (roundTripMs < least)
      this.#world.fail(`${this.name}: round trip of ${roundTripMs} ms over a link that takes ${least} ms`);
    if (this.#pings === 0) this.#world.mark("keepAlivePing");
    else this.#pings--;
  }

  /** Take no new streams from the other side. */
  goAway(): void {
    this.goesAway = true;
    this.host?.connection.goAway("Restart", 1_000);
  }

  /** The connection is gone, the session may go on. */
  detached(): void {
    this.host = undefined;
    if (this.#pings > 0) this.#world.mark("pingUnanswered");
    this.#pings = 0;
    this.noteBefore();
  }

  /** Remember how far the streams have come: another connection carries them from now on. */
  noteBefore(): void {
    this.losses++;
    for (const { before, stream } of this.endpoints) {
      before.opened = stream.id !== 0;
      before.finished = stream.send.finished;
      before.limit = stream.send.limit;
    }
  }

  /** A connection that carries the session is open. */
  opened(): void {
    this.connections++;
    this.connectedAt = this.#world.clock.now();
  }

  /** The session goes on over another connection. */
  resumed(): void {
    const world = this.#world;
    let midMessage = false;
    let credit = false;
    for (const { before, exchange, stream } of this.endpoints) {
      const { receive, send } = stream;
      if (send.partAt >= 0 || receive.unfinished) midMessage = true;
      if (before.finished && !send.finished && !send.closed) world.mark("finLostAndSentAgain");
      if (before.opened && stream.id === 0) exchange.openLost = true;
      if (stream.id !== 0 && !send.closed && send.limit > before.limit) credit = true;
    }
    if (midMessage) world.mark("resumeMidMessage");
    if (credit) world.mark("creditToldAgain");
    if (this.goesAway) this.goAway();
  }

  /** Look at the bounds that hold at every moment, and for situations that are worth a mark. */
  looked(): void {
    const world = this.#world;
    const { limits, outbox, table, window } = this.mux;
    const longest = world.longestBytes + CHARGE_BYTES;
    const unread = window.received - window.consumed;
    const allowed = window.limit - window.consumed;
    this.#widest = Math.max(this.#widest, window.window);
    if (unread < 0 || allowed > this.#widest + longest) {
      world.fail(
        `${this.name}: ${unread} bytes are unread, ${allowed} may be, the window is ${window.window}`,
      );
    }
    const again = this.losses > 0 ? outbox.limit - outbox.acked : 0;
    // A stream whose OPEN was lost is not in the table until it is sent again.
    const streams = Math.max(table.size, this.live.length);
    const mostQueued = limits.maxQueuedBytes + longest * (1 + streams) + again;
    if (outbox.queuedBytes < 0 || outbox.queuedBytes > mostQueued) {
      world.fail(
        `${this.name}: ${outbox.queuedBytes} bytes are queued, the limit is ${limits.maxQueuedBytes}`,
      );
    }
    if (this.#keepsTooMuch) {
      world.fail(
        `${this.name}: ${outbox.retainedBytes} bytes are kept, the limit is ${limits.maxRetainedBytes}`,
      );
    }
    if (outbox.queuedBytes > 0) this.#lookAtCredit();
    if (window.limit > window.consumed + window.window) world.mark("creditLent");
    if (window.window > limits.sessionWindowBytes) world.mark("windowWidened");
    if (this.host?.blocked) world.mark("transportBlocked");
  }

  /** Whether more is kept of what was sent than there may be, beyond messages that were sent in part. */
  get #keepsTooMuch(): boolean {
    const { limits, outbox, table } = this.mux;
    let left = limits.maxRetainedBytes + TURN_BYTES - outbox.retainedBytes;
    if (left >= 0) return outbox.retainedBytes < 0;
    for (const { send } of table.values()) if (send.partAt >= 0) left += send.sent - send.partAt;
    return left < 0;
  }

  #lookAtCredit(): void {
    const world = this.#world;
    const { outbox, limits, table } = this.mux;
    if (!this.connected) return;
    if (outbox.limit - outbox.sent < 1_024) world.mark("sessionCreditBlocked");
    if (outbox.queuedBytes >= limits.maxQueuedBytes) world.mark("queueLimitBlocked");
    if (++this.#looks % LOOK_AT_STREAMS_EVERY !== 0) return;
    for (const endpoint of this.live) {
      const { send } = endpoint.stream;
      if (send.unsent > 0 && send.limit - send.sent < Math.min(1_024, send.unsent))
        world.mark("streamCreditBlocked");
      if (this.#stalled(endpoint))
        world.fail(
          `${this.name}: half ${endpoint.out.number} waits for credit for too long: ${describe(endpoint.stream)}`,
        );
      if (endpoint.unopened && !table.mayOpen && !send.closed) world.mark("unopenedWaiting");
    }
  }

  /** Whether a stream has waited for credit for much longer than the time after which it must be given up. */
  #stalled(endpoint: Endpoint): boolean {
    const { send, progressAt } = endpoint.stream;
    const now = this.#world.clock.now();
    const since = Math.max(progressAt, this.machine.wokenAt, this.connectedAt);
    const counts = progressAt !== WAITS && !endpoint.unopened && send.starved;
    if (!counts || since > endpoint.stalledSince) endpoint.stalledSince = now;
    return now - endpoint.stalledSince > 1.5 * this.mux.limits.stallMs + FREEZE_MS;
  }

  /** Forget the ends that are over. */
  prune(): void {
    this.live = this.live.filter((endpoint) => !endpoint.over);
  }

  /** Largest message that the other side accepts, as far as this side may know. */
  get mostBytes(): number {
    return this.mux.peer?.maxMessageBytes ?? this.mux.limits.maxMessageBytes;
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
