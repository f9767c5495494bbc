import type { Bytes } from "../core/bytes.ts";
import type { Connection } from "../core/connection/connection.ts";
import { TransportError, type WireError } from "../core/errors.ts";
import type { SessionEvent } from "../core/events.ts";
import type { Hello } from "../core/wire/hello.ts";
import type { Application } from "./application.ts";
import type { Caller } from "./caller.ts";
import { FrameWatch } from "./frame-watch.ts";
import { Host, type HostObserver } from "./host.ts";
import type { Lane } from "./network.ts";
import type { Process } from "./process.ts";
import type { World } from "./world.ts";

/** The client that an attempt belongs to. */
export interface Dialer {
  readonly world: World;
  readonly machine: Process;
  readonly principal: string;
  readonly app: Application;
  begin(attempt: Attempt): Application;
  opened(attempt: Attempt, hello: Hello, resumed: boolean): void;
  closed(attempt: Attempt, error: WireError | undefined, resumable: boolean): void;
  leave(): void;
  move(): Attempt | undefined;
}

/** What an attempt is. */
export interface AttemptOptions {
  readonly number: number;
  /** The session that it wants to carry on. */
  readonly carried: Application | undefined;
  /** Other connections may carry the session until this one does. */
  readonly claims: boolean;
  /** It should replace a connection that works. */
  readonly move: boolean;
}

/** One connection of a client, from its first byte to its end. */
export class Attempt implements HostObserver, Caller, AttemptOptions {
  readonly number: number;
  readonly carried: Application | undefined;
  readonly claims: boolean;
  readonly move: boolean;
  readonly lane: Lane;
  readonly connection: Connection;
  readonly host: Host;
  readonly honest = true;
  readonly principal: string;
  wasOpen = false;
  /** The session that begins with it, when the server does not know the other one. */
  fresh: Application | undefined;
  readonly #client: Dialer;
  readonly #watch: FrameWatch;
  /** The session that begins with it, when it carries none on. */
  readonly #own: Application;
  #timer: unknown;
  #givenUp = false;

  constructor(client: Dialer, lane: Lane, connection: Connection, options: AttemptOptions) {
    const { machine, world } = client;
    this.#client = client;
    this.lane = lane;
    this.connection = connection;
    this.number = options.number;
    this.carried = options.carried;
    this.claims = options.claims;
    this.move = options.move;
    this.principal = client.principal;
    this.#own = client.app;
    this.#watch = new FrameWatch(world, machine, connection);
    this.host = new Host(world.clock, machine, connection, lane.link.a, this);
  }

  get #world(): World {
    return this.#client.world;
  }

  begin(): Application {
    return this.#client.begin(this);
  }

  /** Whether the client does not listen to it any more. */
  get abandoned(): boolean {
    const { state } = this.connection;
    return this.#givenUp || state === "closing" || state === "closed";
  }

  /** The session whose streams it carries now; `undefined` when another connection has them. */
  get app(): Application | undefined {
    const { mux } = this.connection;
    return [this.#own, this.fresh].find((app) => app?.mux === mux);
  }

  /** Let go of it when it is not open after `ms`. */
  giveUpAfter(ms: number): void {
    this.#timer = this.#client.machine.schedule(() => {
      if (!this.wasOpen) this.abandon("ERR_TIMEOUT");
    }, ms);
  }

  /** Let go of it, whatever the server makes of it. */
  abandon(code: "ERR_CONNECTION_LOST" | "ERR_TIMEOUT" = "ERR_CONNECTION_LOST"): void {
    if (this.#givenUp) return;
    this.#givenUp = true;
    this.#world.clock.cancel(this.#timer);
    this.host.abandon(new TransportError("The client gave the connection up", { code }));
  }

  event(event: SessionEvent): void {
    const world = this.#world;
    const client = this.#client;
    switch (event.kind) {
      case "authenticate":
        world.fail("client: asked to authenticate");
        break;
      case "open":
        if (this.wasOpen) world.fail(`${client.machine.name}: open came twice`);
        this.wasOpen = true;
        world.clock.cancel(this.#timer);
        world.note(client.machine, event.resumed ? "resumed" : "open", this.number);
        client.opened(this, event.hello, event.resumed);
        break;
      case "closed":
        world.clock.cancel(this.#timer);
        world.note(client.machine, `closed ${event.error?.code} ${event.resumable}`, this.number);
        world.trace.line(world.clock.now(), () => `${client.machine.name} ${event.error?.message}`);
        if (!this.wasOpen && event.resumable) world.mark("cutInResume");
        client.closed(this, event.error, event.resumable);
        break;
      case "stalled":
        world.mark("stalled");
        client.move();
        break;
      case "goaway":
        this.app?.event(event);
        client.leave();
        break;
      default:
        this.app?.event(event);
    }
  }

  sent(record: Bytes): void {
    this.#watch.sent(record);
  }

  looked(): void {
    if (this.#client.app.host === this.host) this.#client.app.looked();
  }

  late(): void {
    if (this.#client.app.host !== undefined && this.#client.app.host !== this.host)
      this.#world.mark("lateFrameFenced");
  }

  broken(what: string): void {
    this.#world.fail(`${this.#client.machine.name}: ${what}`);
  }
}
