import type { Bytes } from "../core/bytes.ts";
import type { Connection } from "../core/connection/connection.ts";
import type { WireError } from "../core/errors.ts";
import type { SessionEvent } from "../core/events.ts";
import type { Hello } from "../core/wire/hello.ts";
import type { Application } from "./application.ts";
import type { Caller } from "./caller.ts";
import { FrameWatch } from "./frame-watch.ts";
import { Host, type HostObserver } from "./host.ts";
import type { KeptSessions } from "./kept-sessions.ts";
import type { Lane, Network } from "./network.ts";
import type { Process } from "./process.ts";
import type { Random } from "./random.ts";
import type { World } from "./world.ts";

/** The server process that a connection came to. */
export interface Visited {
  readonly world: World;
  readonly network: Network;
  readonly random: Random;
  readonly machine: Process;
  readonly sessions: KeptSessions;
  readonly rejects: boolean;
  application(connection: Connection, caller: Caller): Application;
}

/** One connection of a client, as the server has it: what `session/accept.ts` does, without a promise. */
export class Visit implements HostObserver {
  readonly host: Host;
  readonly #server: Visited;
  readonly #world: World;
  readonly #sessions: KeptSessions;
  readonly #lane: Lane;
  readonly #caller: Caller;
  readonly #watch: FrameWatch;
  readonly #connection: Connection;
  #app: Application | undefined;
  #confirmed = false;
  /** It has let a client carry on its session, and has not heard where that is. */
  #carriesOn = false;

  constructor(server: Visited, lane: Lane, connection: Connection, caller: Caller) {
    const { machine, sessions, world } = server;
    this.#server = server;
    this.#world = world;
    this.#sessions = sessions;
    this.#lane = lane;
    this.#connection = connection;
    this.#caller = caller;
    this.#watch = new FrameWatch(world, machine, connection);
    this.host = new Host(world.clock, machine, connection, lane.link.b, this);
    if (caller.carried === undefined) this.#take(server.application(connection, caller));
  }

  #take(app: Application): void {
    this.#app = app;
    app.host = this.host;
  }

  event(event: SessionEvent): void {
    const app = this.#app;
    const world = this.#world;
    switch (event.kind) {
      case "authenticate":
        this.#onAuthenticate(event.hello);
        break;
      case "open":
        world.note(this.host.machine, "open event", this.#lane.number);
        if (app === undefined) return world.fail("server: open without a session");
        app.opened();
        this.#carriesOn = false;
        if (event.resumed) app.resumed();
        break;
      case "closed":
        world.note(this.host.machine, `closed ${event.error?.code}`, this.#lane.number);
        world.trace.line(world.clock.now(), () => `server ${event.error?.message}`);
        if (this.#carriesOn && event.resumable) world.mark("cutInResume");
        if (app !== undefined && app.host === this.host) this.#ended(app, event.error, event.resumable);
        break;
      case "stalled":
        world.fail("server: stalled, which it did not ask for");
        break;
      case "pong":
        if (!this.#confirmed && app !== undefined) this.#sessions.confirm(app, this.#caller);
        this.#confirmed = true;
        app?.event(event);
        break;
      default:
        if (app === undefined) return world.fail(`server: ${event.kind} without a session`);
        app.event(event);
    }
  }

  #ended(app: Application, error: WireError | undefined, resumable: boolean): void {
    if (!resumable || error === undefined) this.#sessions.end(app, error);
    else this.#sessions.detach(app, error);
  }

  #onAuthenticate(hello: Hello): void {
    const { acceptMs } = this.#world.configuration;
    const answer = (): void => {
      if (this.#connection.state === "authenticating") this.#letIn(hello);
    };
    // Inside an event, so that the connection hears of it while it delivers others.
    if (acceptMs === 0) answer();
    else
      this.host.machine.schedule(() => {
        answer();
        this.host.settle();
      }, acceptMs);
  }

  #letIn(hello: Hello): void {
    const server = this.#server;
    const { clock, configuration } = this.#world;
    if (server.rejects) {
      this.#world.fault("reject");
      this.#connection.close("ERR_AUTH", "Not today");
      return;
    }
    const sessionId = server.random.bytes(16);
    if (configuration.resume === undefined || (hello.resumeMs ?? 0) === 0) {
      this.#connection.accept({ sessionId }, clock.now());
      return;
    }
    const token = server.random.bytes(32);
    const known = this.#sessions.claim(hello, this.#caller, token);
    const resume = { resumeToken: token, resumeMs: configuration.resume.registry.keepMs };
    if (known !== undefined) this.#carryOn(known, hello, resume);
    else {
      const app = this.#app ?? server.application(this.#connection, this.#caller);
      this.#take(app);
      this.#sessions.add(app, this.#caller, sessionId, token);
      this.#connection.accept({ sessionId, resume }, clock.now());
    }
  }

  #carryOn(app: Application, hello: Hello, resume: { resumeToken: Bytes; resumeMs: number }): void {
    if (app.host !== undefined) {
      app.noteBefore();
      app.host.connection.supersede();
    }
    this.#take(app);
    this.#carriesOn = true;
    const sessionId = hello.sessionId as Bytes;
    this.#connection.accept({ sessionId, resume, mux: app.mux }, this.#world.clock.now());
    this.#server.network.planRotationCut(this.#lane);
  }

  sent(record: Bytes): void {
    this.#watch.sent(record);
  }

  looked(): void {
    const { counters, state } = this.#connection;
    if (this.#app?.host === this.host) this.#app.looked();
    if (state === "authenticating" && counters.recordsReceived > 1) this.#world.mark("earlyDataKept");
  }

  late(): void {
    if (this.#app !== undefined && this.#app.host !== undefined && this.#app.host !== this.host)
      this.#world.mark("lateFrameFenced");
  }

  broken(what: string): void {
    this.#world.fail(`server: ${what}`);
  }
}
