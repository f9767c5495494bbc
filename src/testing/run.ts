import { BufferPool } from "../core/buffer-pool.ts";
import { Connection } from "../core/connection.ts";
import type { Limits } from "../core/limits.ts";
import type { Role } from "../core/stream-table.ts";
import { Application } from "./application.ts";
import { VirtualClock } from "./clock.ts";
import { type Configuration, drawConfiguration, type FaultKind } from "./configuration.ts";
import { type Direction, SimulatedLink } from "./link.ts";
import type { Marker } from "./markers.ts";
import { checkEnd, checkQuiet, isQuiet } from "./oracle.ts";
import { Random } from "./random.ts";
import { Trace } from "./trace.ts";
import { Workload } from "./workload.ts";
import { Violation, World } from "./world.ts";

/** What a run may be given besides its seed. */
export interface SimulateOptions {
  /** Operations of the workload. */
  readonly operations?: number;
  /** Kinds of faults that do not happen, whatever the seed says. */
  readonly without?: readonly FaultKind[];
  /** How many of the last lines of what happened are kept. */
  readonly logLines?: number;
  /** Spoil something before the run begins, to see that the run notices. */
  readonly plant?: (run: Planted) => void;
}

/** What {@link SimulateOptions.plant} may spoil. */
export interface Planted {
  readonly client: Connection;
  readonly server: Connection;
  readonly link: SimulatedLink;
}

/** What a run was and did. */
export interface SimulateResult {
  readonly seed: number;
  /** What was broken; `undefined` when nothing was. */
  readonly violation: string | undefined;
  /** 16 hexadecimal digits over everything that happened: the same seed has the same. */
  readonly hash: string;
  readonly operations: number;
  readonly messages: number;
  readonly records: number;
  readonly bytes: number;
  /** Calls that the clock has made. */
  readonly steps: number;
  readonly virtualMs: number;
  /** How often each kind of fault has happened. */
  readonly faults: ReadonlyMap<FaultKind, number>;
  /** Situations that were met. */
  readonly markers: ReadonlySet<Marker>;
  /** Kinds of faults that the seed has switched on. */
  readonly enabled: readonly FaultKind[];
  readonly log: readonly string[];
}

/** Operations of a run. */
const OPERATIONS = 320;

/** Time in which everything must come to its end once all faults are over, ms. */
const LIVENESS_MS = 60_000;

/** Time for what needs no answer, such as a datagram, to arrive, ms. */
const SETTLE_MS = 1_000;

/** Streams that each side opens at the end, and what it sends on each. */
const PROBES = 20;
const PROBE_BYTES = 3_000;

/** Pieces of records are no smaller at the end, when all faults are over: they take time. */
const PROBE_PIECE_BYTES = 40;

/** Every such seed has a day in which nothing happens. */
const IDLE_DAY_EVERY = 50;
const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

/** Least times of timers that repeat for all of a day: shorter ones only repeat more often, and take time. */
const DAY_KEEP_ALIVE_MS = 5_000;
const DAY_STALL_MS = 12_000;

/**
 * Let two connections work over a bad network, as the seed says, and check that nothing is lost, sent twice, mixed up,
 * leaked or silent.
 *
 * @param seed - a whole number; it decides everything
 */
export function simulate(seed: number, options: SimulateOptions = {}): SimulateResult {
  const run = new Run(seed, options);
  let violation: string | undefined;
  try {
    run.play();
  } catch (error) {
    violation = error instanceof Violation ? error.message : String((error as Error).stack ?? error);
  }
  return run.result(violation);
}

class Run {
  readonly #seed: number;
  readonly #world: World;
  readonly #link: SimulatedLink;
  readonly #client: Application;
  readonly #server: Application;
  readonly #workload: Workload;
  readonly #planRandom: Random;
  /** How the connection is to be ended, if the seed says so. */
  #endsEarly = false;

  constructor(seed: number, { operations = OPERATIONS, without = [], logLines = 0, plant }: SimulateOptions) {
    this.#seed = seed;
    const random = new Random(seed);
    const drawn = drawConfiguration(random.fork(1), operations);
    const faults = new Set([...drawn.faults].filter((kind) => !without.includes(kind)));
    const configuration: Configuration = {
      ...drawn,
      faults,
      link: withoutLinkFaults(drawn, without),
      limits: hasDay(seed) ? forDay(drawn.limits) : drawn.limits,
    };
    const clock = new VirtualClock(1_000);
    this.#world = new World(clock, configuration, random.fork(2), new Trace(logLines));
    this.#link = new SimulatedLink(clock, random.fork(3), configuration.link);
    this.#planRandom = random.fork(4);
    this.#client = this.#application("client");
    this.#server = this.#application("server");
    this.#client.peer = this.#server;
    this.#server.peer = this.#client;
    this.#workload = new Workload(this.#world, this.#link, this.#client, this.#server);
    plant?.({ client: this.#client.connection, server: this.#server.connection, link: this.#link });
  }

  #application(role: Role): Application {
    const { limits, link } = this.#world.configuration;
    const connection = new Connection({
      role,
      limits: limits[role],
      messageBoundaries: link.messageBoundaries,
      codecs: ["raw"],
      pool: new BufferPool(),
      now: this.#world.clock.now(),
    });
    return new Application(this.#world, connection, role === "client" ? this.#link.a : this.#link.b);
  }

  play(): void {
    const world = this.#world;
    this.#planEnd();
    world.mayTimeOut = mayTimeOut(world.configuration);
    if (this.#planRandom.chance(0.5)) this.#start();
    else world.clock.schedule(() => this.#start(), 0);
    const step = (): void => {
      const wait = this.#workload.step();
      if (world.operations < world.configuration.operations) world.clock.schedule(step, wait);
    };
    step();
    this.#stepWhile(() => world.operations < world.configuration.operations, 20_000);
    if (hasDay(this.#seed)) this.#idle(DAY_MS);
    else if (this.#planRandom.chance(0.1)) this.#idle(MINUTE_MS);
    this.#heal();
    this.#finish();
  }

  #start(): void {
    this.#client.host.start();
    this.#server.host.start();
  }

  /** Decide where the connection is cut, if it is. */
  #planEnd(): void {
    const world = this.#world;
    const random = this.#planRandom;
    const { faults, operations } = world.configuration;
    this.#server.rejects = faults.has("reject");
    const direction: Direction = random.pick(["aToB", "bToA"]);
    const early = random.chance(0.25);
    const bytes = early ? random.int(0, 200) : random.skewed(1, 200_000);
    const atOperation = early ? 1 : random.int(1, operations);
    const byBytes = random.chance(0.6);
    const skewMs = random.chance(0.5) ? 0 : random.int(-800, 800);
    if (faults.has("cut")) this.#link.onCut = () => this.#onCut();
    if (faults.has("cut") && byBytes) this.#link.cutAfter(bytes, direction);
    if (!faults.has("halfOpen") && !(faults.has("cut") && !byBytes)) return;
    const look = (): void => {
      if (world.healing) return;
      if (world.operations < atOperation) world.clock.schedule(look, 1);
      else if (faults.has("cut")) this.#link.cut({ skewMs });
      else this.#vanish(direction, random.chance(0.4));
    };
    world.clock.schedule(look, 0);
  }

  #onCut(): void {
    const world = this.#world;
    const { aToB, bToA } = this.#link;
    world.fault("cut");
    this.#link.onCut = () => {};
    if (!aToB.atBoundary || !bToA.atBoundary) world.mark("cutMidFrame");
    if (aToB.loaded || bToA.loaded) world.mark("cutWithDataOnTheWay");
    if (!this.#client.opened || !this.#server.opened) world.mark("cutInHandshake");
  }

  #vanish(direction: Direction, both: boolean): void {
    this.#world.fault("halfOpen");
    this.#endsEarly = true;
    this.#link.vanish(both ? undefined : direction);
  }

  #stepWhile(going: () => boolean, mostSteps: number): void {
    const { clock } = this.#world;
    const most =
      clock.steps + mostSteps + (this.#link.aToB.counters.bytes + this.#link.bToA.counters.bytes) * 4;
    while (going()) {
      if (!clock.step()) return;
      if (clock.steps > most + this.#link.aToB.counters.bytes * 4 + this.#link.bToA.counters.bytes * 4) {
        this.#world.fail(`Clock took over ${mostSteps} steps until ${clock.now()} ms: something spins`);
      }
    }
  }

  #idle(ms: number): void {
    const { clock } = this.#world;
    this.#world.mark(ms === DAY_MS ? "idleDay" : "idleMinute");
    const until = clock.now() + ms;
    clock.schedule(() => {}, ms);
    this.#stepWhile(() => clock.now() < until, 200_000);
  }

  /** End all faults and wait for everything to come to its end. */
  #heal(): void {
    const world = this.#world;
    world.healing = true;
    this.#link.change({ bytesPerSecond: Number.POSITIVE_INFINITY, jitterMs: 0, bufferBytes: 262_144 });
    if (this.#endsEarly) this.#waitForDeath();
    this.#finishAll();
    this.#waitForQuiet();
  }

  #finishAll(): void {
    for (const side of [this.#client, this.#server]) {
      side.host.act(() => {
        for (const endpoint of side.endpoints) endpoint.heal("");
      });
    }
  }

  #waitForQuiet(): void {
    const { clock } = this.#world;
    const until = clock.now() + LIVENESS_MS + this.#backlogMs();
    clock.schedule(() => {}, until - clock.now());
    this.#stepWhile(() => clock.now() < until && !isQuiet(this.#client, this.#server), 100_000);
    const later = clock.now() + SETTLE_MS;
    clock.schedule(() => {}, SETTLE_MS);
    this.#stepWhile(() => clock.now() < later, 100_000);
  }

  /** Time that what was planned needs at least, ms: stalls that go on, and bytes at the bandwidth. */
  #backlogMs(): number {
    const { faults, limits, link } = this.#world.configuration;
    const stallMs = faults.has("longStall") ? 320_000 : 10_000;
    const { plannedBytes } = this.#world;
    const bandMs = Number.isFinite(link.bytesPerSecond) ? (plannedBytes * 2_000) / link.bytesPerSecond : 0;
    const smallest = Math.min(limits.client.streamWindowBytes, limits.server.streamWindowBytes);
    return stallMs + bandMs + (plannedBytes / (smallest / 2)) * 2 * link.latencyMs;
  }

  /** A peer that is gone without a word must be noticed by both sides. */
  #waitForDeath(): void {
    const { clock, configuration } = this.#world;
    const { client, server } = configuration.limits;
    const until = clock.now() + 10 * Math.max(client.keepAliveMs, server.keepAliveMs) + client.handshakeMs;
    clock.schedule(() => {}, until - clock.now());
    this.#stepWhile(() => clock.now() < until && !(this.#client.closed && this.#server.closed), 100_000);
    for (const side of [this.#client, this.#server]) {
      if (side.closed === undefined)
        this.#world.fail(`${side.role}: did not notice in ${until} ms that its peer is gone`);
    }
    this.#link.cut();
  }

  #finish(): void {
    const world = this.#world;
    const [client, server] = [this.#client, this.#server];
    checkEnd(world, client, server);
    if (client.closed === undefined && server.closed === undefined) {
      checkQuiet(world, client, server);
      this.#probe();
      client.host.act(() => client.connection.close());
    }
    world.clock.runUntilIdle(100_000);
    for (const side of [client, server]) {
      if (side.closed === undefined) world.fail(`${side.role}: did not hear that the connection was closed`);
      for (const endpoint of side.endpoints) endpoint.checkKept();
    }
  }

  /** After all that, each side can open as many streams as ever and fill them. */
  #probe(): void {
    const [client, server] = [this.#client, this.#server];
    const { maxPieceBytes } = this.#world.configuration.link;
    this.#link.change({ maxPieceBytes: Math.max(maxPieceBytes, PROBE_PIECE_BYTES) });
    for (const side of [client, server]) {
      side.host.act(() => {
        for (let count = PROBES; count > 0; count--) side.open()?.plan(PROBE_BYTES);
      });
    }
    this.#finishAll();
    this.#waitForQuiet();
    checkEnd(this.#world, client, server);
    if (client.closed === undefined) checkQuiet(this.#world, client, server);
  }

  result(violation: string | undefined): SimulateResult {
    const world = this.#world;
    const pipes = [this.#link.aToB, this.#link.bToA];
    const sum = (value: (pipe: (typeof pipes)[number]) => number): number =>
      pipes.reduce((total, pipe) => total + value(pipe), 0);
    world.fault(
      "split",
      sum(({ counters }) => counters.splits),
    );
    world.fault(
      "join",
      sum(({ counters }) => counters.joins),
    );
    world.fault(
      "jitter",
      sum(({ counters }) => counters.delays),
    );
    world.fault(
      "backpressure",
      sum(({ counters }) => counters.refusals),
    );
    const halves = world.exchanges.flatMap(({ halves }) => [halves.client, halves.server]);
    return {
      seed: this.#seed,
      violation,
      hash: world.trace.hash,
      operations: world.operations,
      messages: halves.reduce((total, half) => total + half.read, 0),
      records: sum(({ counters }) => counters.records),
      bytes: sum(({ counters }) => counters.bytes),
      steps: world.clock.steps,
      virtualMs: world.clock.now() - 1_000,
      faults: world.faults,
      markers: world.markers,
      enabled: [...world.configuration.faults],
      log: world.trace.lines,
    };
  }
}

function hasDay(seed: number): boolean {
  return seed % IDLE_DAY_EVERY === 0;
}

function forDay({ client, server }: Configuration["limits"]): Configuration["limits"] {
  const slower = (limits: Limits): Limits => ({
    ...limits,
    keepAliveMs: Math.max(limits.keepAliveMs, DAY_KEEP_ALIVE_MS),
    stallMs: Math.max(limits.stallMs, DAY_STALL_MS),
  });
  return { client: slower(client), server: slower(server) };
}

function withoutLinkFaults(drawn: Configuration, without: readonly FaultKind[]): Configuration["link"] {
  return {
    ...drawn.link,
    ...(without.includes("split") ? { maxPieceBytes: Number.POSITIVE_INFINITY } : {}),
    ...(without.includes("join") ? { joinChance: 0 } : {}),
    ...(without.includes("jitter") ? { jitterMs: 0 } : {}),
    ...(without.includes("backpressure") ? { bufferBytes: 262_144 } : {}),
  };
}

/** Whether delays may reach the times after which a side gives up. */
function mayTimeOut({ faults }: Configuration): boolean {
  return faults.has("longStall") || faults.has("halfOpen");
}
