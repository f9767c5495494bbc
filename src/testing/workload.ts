import type { Application } from "./application.ts";
import type { ClientSide } from "./client-side.ts";
import type { Disturbance } from "./disturbance.ts";
import type { Endpoint } from "./endpoint.ts";
import type { World } from "./world.ts";

/** Streams of one side above which new ones get rare. */
const MANY_STREAMS = 40;

/** Least time between two pings of an application, ms: the peer allows 20 a second. */
const PING_EVERY_MS = 400;

/** What the applications do, one step after the other. */
export class Workload {
  readonly #world: World;
  readonly #clients: readonly ClientSide[];
  readonly #disturbance: Disturbance;
  readonly #skip: ReadonlySet<number>;
  #pingAt = 0;
  #goAwayAt: number;
  #closeAt: number;

  /** @param skip - numbers of operations that do not happen */
  constructor(
    world: World,
    clients: readonly ClientSide[],
    disturbance: Disturbance,
    skip: readonly number[],
  ) {
    this.#world = world;
    this.#clients = clients;
    this.#disturbance = disturbance;
    this.#skip = new Set(skip);
    const { operations } = world.configuration;
    const late = world.random.int(Math.floor(operations / 2), operations);
    this.#goAwayAt = world.has("goAway") ? late : Number.POSITIVE_INFINITY;
    this.#closeAt = world.has("close") ? world.random.int(0, operations) : Number.POSITIVE_INFINITY;
  }

  /** Do one operation. @returns how long to wait before the next one, ms. */
  step(): number {
    const world = this.#world;
    const { random, configuration } = world;
    world.operations++;
    if (this.#skip.has(world.operations)) return 0;
    const client = random.pick(this.#clients);
    const side = random.chance(0.5) ? client.app : (this.#serverOf(client) ?? client.app);
    if (world.operations % 16 === 0) {
      for (const each of this.#clients) {
        each.app.prune();
        each.app.peer?.prune();
      }
    }
    const pauseMs = this.#disturbance.step();
    if (!side.machine.frozen && side.ended === undefined) {
      if (!side.connected && side.connections > 0) world.mark("workedWhileDetached");
      side.act(() => this.#operate(client, side));
    }
    if (pauseMs > 0) return pauseMs;
    if (random.chance(0.6)) return 0;
    return configuration.gapMs === 0 ? 0 : random.int(0, configuration.gapMs * 1_024) / 1_024;
  }

  #serverOf({ app }: ClientSide): Application | undefined {
    const { peer } = app;
    return peer === undefined || peer.gone || peer.ended !== undefined ? undefined : peer;
  }

  #operate(client: ClientSide, side: Application): void {
    const world = this.#world;
    const { random } = world;
    if (world.operations >= this.#goAwayAt && !world.goingAway) {
      this.#goAway(side);
      return;
    }
    if (world.operations >= this.#closeAt && side.connected) {
      this.#close(client, side);
      return;
    }
    const roll = random.float();
    if (roll < (side.live.length > MANY_STREAMS ? 0.01 : 0.12)) this.#open(side);
    else if (roll < 0.2) this.#finish(side);
    else if (roll < 0.24) this.#giveUp(side, world.has("reset"), "reset");
    else if (roll < 0.28) this.#giveUp(side, world.has("stop"), "stop");
    else if (roll < 0.3) this.#ping(side);
    else if (roll < 0.35)
      for (let count = random.skewed(1, 8); count > 0; count--) side.sendDatagram(random.skewed(4, 1_200));
    else this.#send(side);
  }

  #close(client: ClientSide, side: Application): void {
    const world = this.#world;
    world.fault("close");
    this.#closeAt = Number.POSITIVE_INFINITY;
    const code = world.random.pick(["ERR_NONE", "ERR_OVERLOADED"] as const);
    if (side.role === "client") client.close(code);
    else side.host?.connection.close(code, "Closed by the workload");
  }

  #open(side: Application): void {
    const { random } = this.#world;
    const endpoint = side.open();
    if (endpoint === undefined || random.chance(0.2)) return;
    for (let count = random.int(0, 2); count > 0; count--) endpoint.plan(this.#drawLength(side));
    if (random.chance(0.2)) endpoint.finish("");
    if (random.chance(0.02)) endpoint.stop("ERR_VALIDATION");
    if (random.chance(0.03)) endpoint.reset("ERR_DEADLINE");
  }

  #pick(side: Application, sendable: boolean): Endpoint | undefined {
    const { random } = this.#world;
    for (let tries = 0; tries < 4 && side.live.length > 0; tries++) {
      const endpoint = random.pick(side.live);
      if (sendable ? endpoint.sendable : !endpoint.over) return endpoint;
    }
    return undefined;
  }

  #send(side: Application): void {
    const endpoint = this.#pick(side, true);
    if (endpoint === undefined) this.#open(side);
    else
      for (let count = this.#world.random.skewed(1, 6); count > 0; count--)
        endpoint.plan(this.#drawLength(side));
  }

  #drawLength(side: Application): number {
    const world = this.#world;
    const { random, configuration } = world;
    const roll = random.float();
    let length = random.skewed(0, 200);
    if (world.plannedBytes < configuration.budgetBytes) {
      const { hugeShare } = configuration;
      if (roll < hugeShare * 0.75) length = random.skewed(0, configuration.hugeBytes);
      else if (roll < hugeShare) length = configuration.hugeBytes;
      else if (roll < hugeShare + 0.12) length = random.skewed(0, configuration.largeBytes);
    }
    length = Math.min(length, side.mostBytes, Math.max(200, configuration.budgetBytes));
    world.plannedBytes += length;
    return length;
  }

  #finish(side: Application): void {
    const { random } = this.#world;
    this.#pick(side, true)?.finish(random.chance(0.3) ? "t".repeat(random.skewed(1, 900)) : "");
  }

  #giveUp(side: Application, faulty: boolean, what: "reset" | "stop"): void {
    const endpoint = faulty ? this.#pick(side, false) : undefined;
    if (endpoint === undefined) this.#send(side);
    else if (what === "reset") endpoint.reset("ERR_CANCELLED");
    else endpoint.stop("ERR_APPLICATION");
  }

  #ping(side: Application): void {
    const { clock, random } = this.#world;
    if (clock.now() < this.#pingAt || !side.connected) return;
    this.#pingAt = clock.now() + PING_EVERY_MS;
    side.ping();
    if (random.chance(0.2)) clock.schedule(() => side.act(() => side.ping()), 3);
  }

  #goAway(side: Application): void {
    const world = this.#world;
    if (!side.connected) return;
    world.goingAway = true;
    world.fault("goAway");
    world.note(side.machine, "goAway");
    if (
      side.peer?.live.some(
        (endpoint) => endpoint.stream.local && endpoint.unopened && endpoint.out.sending === "open",
      )
    ) {
      world.mark("goAwayWithWaitingOpens");
    }
    side.goAway();
  }
}
