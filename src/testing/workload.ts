import type { Application } from "./application.ts";
import type { Endpoint } from "./endpoint.ts";
import type { SimulatedLink } from "./link.ts";
import type { World } from "./world.ts";

/** Streams of one side above which new ones get rare. */
const MANY_STREAMS = 40;

/** Least time between two pings of an application, ms: the peer allows 20 a second. */
const PING_EVERY_MS = 400;

/** What the two applications do, and what the link does to them, one step after the other. */
export class Workload {
  readonly #world: World;
  readonly #link: SimulatedLink;
  readonly #sides: readonly [Application, Application];
  #pingAt = 0;
  #goAwayAt: number;
  #closeAt: number;

  constructor(world: World, link: SimulatedLink, client: Application, server: Application) {
    this.#world = world;
    this.#link = link;
    this.#sides = [client, server];
    const { faults, operations } = world.configuration;
    const late = world.random.int(Math.floor(operations / 2), operations);
    this.#goAwayAt = faults.has("goAway") ? late : Number.POSITIVE_INFINITY;
    this.#closeAt = faults.has("close") ? world.random.int(0, operations) : Number.POSITIVE_INFINITY;
  }

  /** Do one operation. @returns how long to wait before the next one, ms. */
  step(): number {
    const world = this.#world;
    const { random, configuration } = world;
    const side = random.pick(this.#sides);
    world.operations++;
    if (world.operations % 16 === 0) for (const each of this.#sides) each.prune();
    this.#disturb();
    if (!side.host.frozen) side.host.act(() => this.#operate(side));
    if (random.chance(0.6)) return 0;
    return configuration.gapMs === 0 ? 0 : random.int(0, configuration.gapMs * 1_024) / 1_024;
  }

  #operate(side: Application): void {
    const world = this.#world;
    const { random, configuration } = world;
    if (world.operations >= this.#goAwayAt && !world.goingAway) {
      this.#goAway(side);
      return;
    }
    if (world.operations >= this.#closeAt && side.connection.state !== "closed") {
      world.fault("close");
      this.#closeAt = Number.POSITIVE_INFINITY;
      side.connection.close(random.pick(["ERR_NONE", "ERR_OVERLOADED"]), "Closed by the workload");
      return;
    }
    const roll = random.float();
    if (roll < (side.live.length > MANY_STREAMS ? 0.01 : 0.12)) this.#open(side);
    else if (roll < 0.2) this.#finish(side);
    else if (roll < 0.24) this.#giveUp(side, configuration.faults.has("reset"), "reset");
    else if (roll < 0.28) this.#giveUp(side, configuration.faults.has("stop"), "stop");
    else if (roll < 0.3) this.#ping(side);
    else if (roll < 0.35)
      for (let count = random.skewed(1, 8); count > 0; count--) side.sendDatagram(random.skewed(4, 1_200));
    else this.#send(side);
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
      if (roll < 0.03) length = random.skewed(0, configuration.hugeBytes);
      else if (roll < 0.04) length = configuration.hugeBytes;
      else if (roll < 0.16) length = random.skewed(0, configuration.largeBytes);
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
    if (clock.now() < this.#pingAt || !side.opened) return;
    this.#pingAt = clock.now() + PING_EVERY_MS;
    side.ping();
    if (random.chance(0.2)) clock.schedule(() => side.host.act(() => side.opened && side.ping()), 3);
  }

  #goAway(side: Application): void {
    const world = this.#world;
    if (!side.opened) return;
    world.goingAway = true;
    world.fault("goAway");
    world.note(side.role, "goAway");
    if (
      side.peer.live.some(
        (endpoint) => endpoint.stream.local && endpoint.unopened && endpoint.out.sending === "open",
      )
    ) {
      world.mark("goAwayWithWaitingOpens");
    }
    side.connection.goAway("Restart", 1_000);
  }

  /** Let the link or a process misbehave now and then. */
  #disturb(): void {
    const world = this.#world;
    const { random, configuration, clock } = world;
    const { faults } = configuration;
    if (!random.chance(0.02)) return;
    const direction = random.pick(["aToB", "bToA"] as const);
    const kind = random.pick(["stall", "longStall", "slowdown", "hostFreeze"] as const);
    if (!faults.has(kind)) return;
    world.fault(kind);
    if (kind === "stall") this.#link.stall(random.int(1, 700), direction);
    else if (kind === "longStall")
      this.#link.stall(random.int(3_000, 50_000), random.chance(0.5) ? direction : undefined);
    else if (kind === "hostFreeze") {
      world.mark("hostFrozen");
      random.pick(this.#sides).host.freeze(random.int(10, 900));
    } else {
      this.#link.change({ bytesPerSecond: 60_000 });
      clock.schedule(() => this.#link.change({ bytesPerSecond: configuration.link.bytesPerSecond }), 800);
    }
  }
}
