import type { ClientSide } from "./client-side.ts";
import type { FaultKind } from "./faults.ts";
import type { Direction } from "./link.ts";
import type { Lane, Network } from "./network.ts";
import type { Process } from "./process.ts";
import type { ServerSide } from "./server-side.ts";
import { steal } from "./thief.ts";
import type { World } from "./world.ts";

/** A process that is asleep for so long has missed every deadline, ms. */
const SUSPEND_MS = 600_000;

/** Chance of each kind per operation, where the seed has it. */
const CHANCES: Partial<Record<FaultKind, number>> = {
  stall: 0.005,
  longStall: 0.005,
  slowdown: 0.005,
  hostFreeze: 0.005,
  suspend: 0.004,
  pause: 0.01,
  cut: 0.01,
  halfOpen: 0.006,
  migrate: 0.014,
  badMigrate: 0.008,
  duplicate: 0.1,
  restart: 0.006,
  away: 0.01,
  thief: 0.015,
};
const KINDS = Object.keys(CHANCES) as FaultKind[];

/** What the network, the processes and the clients do to the sessions between two operations. */
export class Disturbance {
  readonly #world: World;
  readonly #network: Network;
  readonly #server: ServerSide;
  readonly #clients: readonly ClientSide[];
  #restarts = 0;
  #suspends = 0;
  #absences = 0;
  #halfOpens = 0;

  constructor(world: World, network: Network, server: ServerSide, clients: readonly ClientSide[]) {
    this.#world = world;
    this.#network = network;
    this.#server = server;
    this.#clients = clients;
  }

  /** Let something go wrong now and then. @returns how long the applications do nothing after it, ms. */
  step(): number {
    const world = this.#world;
    let pauseMs = 0;
    for (const kind of KINDS) {
      const due = world.random.chance(CHANCES[kind] as number);
      if (due && world.has(kind)) pauseMs = Math.max(pauseMs, this.#disturb(kind));
    }
    return pauseMs;
  }

  #disturb(kind: FaultKind): number {
    const world = this.#world;
    const { random } = world;
    const direction = random.pick(["aToB", "bToA"] as const);
    const lanes = this.#network.open;
    const lane = lanes.length === 0 ? undefined : random.pick(lanes);
    const client = random.pick(this.#clients);
    switch (kind) {
      case "pause":
        world.fault(kind);
        return random.skewed(100, 20_000);
      case "hostFreeze":
        return this.#freeze(kind, random.int(10, 900));
      case "suspend":
        if (this.#suspends++ > 0) return 0;
        for (const each of this.#clients) each.since.suspended = true;
        return this.#freeze(kind, SUSPEND_MS);
      case "restart":
        return this.#restart();
      case "away":
        return this.#leave(client);
      case "migrate":
        if (client.machine.frozen || client.move() === undefined) return 0;
        world.fault(kind);
        if (random.chance(0.15)) world.clock.schedule(() => client.move(), random.int(0, 50));
        return 0;
      case "badMigrate":
        return this.#migrateBadly(client);
      case "thief":
        steal(world, this.#network, this.#server);
        return 0;
      case "duplicate":
        if (!client.machine.frozen && client.duplicate() !== undefined) world.fault(kind);
        return 0;
      default:
        return lane === undefined ? 0 : this.#disturbLink(kind, lane, direction, client);
    }
  }

  /** A client has no network for a while: shorter than its session is kept, or longer. */
  #leave(client: ClientSide): number {
    const world = this.#world;
    const ms = world.random.pick([3_000, 10_000, 45_000, 70_000]);
    if (this.#absences++ > 1) return 0;
    world.fault("away");
    client.stayAway(ms);
    for (const { lane } of client.attempts) this.#network.cut(lane);
    return ms + 1_000;
  }

  #freeze(kind: FaultKind, ms: number): number {
    const world = this.#world;
    const processes: Process[] = [...this.#clients.map((client) => client.machine), this.#server.machine];
    world.fault(kind);
    world.mark("hostFrozen");
    world.random.pick(processes).freeze(ms, world.random.chance(0.5));
    return kind === "suspend" ? ms : 0;
  }

  #disturbLink(kind: FaultKind, lane: Lane, direction: Direction, client: ClientSide): number {
    const world = this.#world;
    const { random, configuration, clock } = world;
    switch (kind) {
      case "stall":
        world.fault(kind);
        lane.link.stall(random.int(1, 700), direction);
        return 0;
      case "longStall":
        world.fault(kind);
        lane.link.stall(random.int(3_000, 50_000), random.chance(0.5) ? direction : undefined);
        return 0;
      case "slowdown":
        world.fault(kind);
        this.#network.change({ bytesPerSecond: 60_000 });
        clock.schedule(
          () => this.#network.change({ bytesPerSecond: configuration.link.bytesPerSecond }),
          800,
        );
        return 0;
      case "cut":
        if (configuration.resume === undefined || this.#network.cutsLeft <= 0) return 0;
        this.#network.cutsLeft--;
        world.fault(kind);
        for (const each of random.chance(0.3) ? this.#network.open : [lane])
          this.#network.cut(each, random.chance(0.5) ? 0 : random.int(-800, 800));
        return 0;
      case "halfOpen":
        if (configuration.resume === undefined || this.#halfOpens++ > 1) return 0;
        world.fault(kind);
        client.since.halfOpen = true;
        this.#network.vanish(lane, random.chance(0.5) ? direction : undefined);
        return random.pick([0, 5_000, 60_000]);
      default:
        return 0;
    }
  }

  #restart(): number {
    const world = this.#world;
    const { random } = world;
    if (this.#restarts++ > 1) return 0;
    world.fault("restart");
    const lanes = this.#network.open;
    const silent = random.chance(0.25);
    for (const client of this.#clients) {
      const { mux } = client.app;
      if (mux.outbox.retainedBytes + mux.outbox.queuedBytes > 0) world.mark("serverRestartMidMessage");
    }
    this.#server.restart(random.pick([0, 200, 3_000]));
    for (const lane of lanes) {
      if (silent) this.#network.vanish(lane);
      else this.#network.cut(lane, -random.int(0, 300));
    }
    return 0;
  }

  /** A move in which links are lost: the new one in its handshake, the old one meanwhile, or both. */
  #migrateBadly(client: ClientSide): number {
    const world = this.#world;
    const { random, clock, configuration } = world;
    const how = random.pick(["new", "old", "both"] as const);
    const bytes = random.int(0, 600);
    const direction = random.pick(["aToB", "bToA"] as const);
    const afterMs = random.float() * 4 * (configuration.link.latencyMs + 1);
    const old = client.carrier?.lane;
    const attempt = client.machine.frozen ? undefined : client.move();
    if (attempt === undefined || old === undefined) return 0;
    world.fault("badMigrate");
    if (how === "new") attempt.lane.link.cutAfter(bytes, direction);
    else if (how === "old") clock.schedule(() => this.#network.cut(old), afterMs);
    else {
      clock.schedule(() => {
        if (!attempt.lane.link.over && !attempt.wasOpen) world.mark("migrationBothLinksLost");
        this.#network.cut(old);
        this.#network.cut(attempt.lane);
      }, afterMs);
    }
    return 0;
  }
}
