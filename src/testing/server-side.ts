import { Connection } from "../core/connection/connection.ts";
import type { ResumeRegistry } from "../core/resume/resume-registry.ts";
import type { Mux } from "../core/streams/mux.ts";
import { BufferPool } from "../core/wire/buffer-pool.ts";
import { Application } from "./application.ts";
import type { Caller } from "./caller.ts";
import { LZ4 } from "./frame-watch.ts";
import { KeptSessions } from "./kept-sessions.ts";
import type { Lane, Network } from "./network.ts";
import { Process } from "./process.ts";
import type { Random } from "./random.ts";
import { Visit } from "./visit.ts";
import type { World } from "./world.ts";

/** What a plant may spoil. */
export interface Parts {
  connection(connection: Connection): void;
  mux(mux: Mux): void;
  registry(registry: ResumeRegistry<Application>): void;
}

/** The server: one process after the other, each with the connections and sessions of all clients. */
export class ServerSide {
  machine: Process;
  sessions: KeptSessions;
  /** Every application that it ever had. */
  readonly apps: Application[] = [];
  rejects = false;
  /** Connections that come while it is not there are lost. */
  down = false;
  readonly world: World;
  readonly random: Random;
  readonly network: Network;
  readonly #parts: Parts;
  readonly #pool: BufferPool = new BufferPool();
  #restarts = 0;

  constructor(world: World, random: Random, network: Network, parts: Parts) {
    this.world = world;
    this.random = random;
    this.network = network;
    this.#parts = parts;
    this.machine = this.#newProcess();
    this.sessions = this.#newSessions();
  }

  #newProcess(): Process {
    const suffix = this.#restarts === 0 ? "" : ` ${this.#restarts + 1}`;
    return new Process(this.world.clock, 2 + this.#restarts * 8, `server${suffix}`);
  }

  #newSessions(): KeptSessions {
    return new KeptSessions(this.world, this.machine, (registry) => this.#parts.registry(registry));
  }

  /** A client has dialed. */
  serve(lane: Lane, caller: Caller): void {
    if (this.down) {
      this.network.cut(lane);
      return;
    }
    const { configuration, clock } = this.world;
    const connection = new Connection({
      role: "server",
      limits: configuration.limits.server,
      messageBoundaries: configuration.link.messageBoundaries,
      lanes: configuration.link.lanes - 1,
      codecs: ["raw"],
      pool: this.#pool,
      now: clock.now(),
      ...(configuration.compresses ? { compression: LZ4.open() } : {}),
    });
    this.#parts.connection(connection);
    this.#parts.mux(connection.mux);
    new Visit(this, lane, connection, caller).host.start();
  }

  /** An application for a session that begins. */
  application(connection: Connection, caller: Caller): Application {
    const client = caller.begin();
    const number = client?.number ?? 0;
    const app = new Application(this.world, this.machine, "server", connection.mux, number);
    app.peer = client;
    if (client !== undefined) client.peer = app;
    this.apps.push(app);
    return app;
  }

  /** The process ends without a word, and another one takes its place. */
  restart(downMs: number): void {
    this.machine.over = true;
    this.sessions.stop();
    this.#restarts++;
    this.machine = this.#newProcess();
    this.sessions = this.#newSessions();
    this.down = true;
    this.world.clock.schedule(() => {
      this.down = false;
    }, downMs);
  }
}
