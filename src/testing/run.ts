import type { Connection } from "../core/connection.ts";
import type { Limits } from "../core/limits.ts";
import type { Mux } from "../core/mux.ts";
import type { Resumable, ResumeRegistry } from "../core/resume-registry.ts";
import type { Application } from "./application.ts";
import { ClientSide } from "./client-side.ts";
import { VirtualClock } from "./clock.ts";
import { type Configuration, drawConfiguration } from "./configuration.ts";
import { Disturbance } from "./disturbance.ts";
import type { FaultKind } from "./faults.ts";
import type { Direction, SimulatedLink } from "./link.ts";
import type { Marker } from "./markers.ts";
import { Network } from "./network.ts";
import { checkEnd, checkQuiet, isQuiet } from "./oracle.ts";
import { Random } from "./random.ts";
import { ServerSide } from "./server-side.ts";
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
  /** Spoil something before it is used, to see that the run notices. */
  readonly plant?: Planted;
}

/** What {@link SimulateOptions.plant} may spoil: each is called with every one of its kind before that is used. */
export interface Planted {
  /** A connection of either side. */
  connection?(connection: Connection): void;
  /** The streams of a session, at either side. */
  mux?(mux: Mux): void;
  link?(link: SimulatedLink): void;
  /** The sessions that the server keeps. */
  registry?<T extends Resumable>(registry: ResumeRegistry<T>): void;
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
  /** Connections that were made; sessions that went on over another one, and those of them that moved there. */
  readonly connections: number;
  readonly resumes: number;
  readonly migrations: number;
  /** Calls that the clock has made. */
  readonly steps: number;
  readonly virtualMs: number;
  /** How often each kind of fault has happened. */
  readonly faults: ReadonlyMap<FaultKind, number>;
  /** How often each situation was met. */
  readonly markers: ReadonlyMap<Marker, number>;
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
const DAY_KEEP_ALIVE_MS = 15_000;
const DAY_STALL_MS = 60_000;

/**
 * Let clients and a server work over a bad network, as the seed says, and check that nothing is lost, sent twice, mixed
 * up, leaked or silent.
 *
 * @param seed - a whole number; it decides everything
 */
export function simulate(seed: number, options: SimulateOptions = {}): SimulateResult {
  const run = new Run(seed, options);
  let violation: string | undefined;
  // Where the errors of lost streams come from is asked only when somebody looks at one run. Some engines have no limit.
  const traces = Error as { stackTraceLimit?: number };
  const { stackTraceLimit } = traces;
  if (options.logLines === undefined && stackTraceLimit !== undefined) traces.stackTraceLimit = 0;
  try {
    run.play();
  } catch (error) {
    violation = error instanceof Violation ? error.message : String((error as Error).stack ?? error);
  } finally {
    if (stackTraceLimit !== undefined) traces.stackTraceLimit = stackTraceLimit;
  }
  return run.result(violation);
}

class Run {
  readonly #seed: number;
  readonly #world: World;
  readonly #network: Network;
  readonly #server: ServerSide;
  readonly #clients: readonly ClientSide[];
  readonly #workload: Workload;
  readonly #planRandom: Random;
  /** How the connection is to be ended, if the seed says so. */
  #endsEarly = false;
  #atOperation: { readonly operation: number; readonly run: () => void } | undefined;
  #sessions = 0;

  constructor(
    seed: number,
    { operations = OPERATIONS, without = [], logLines = 0, plant = {} }: SimulateOptions,
  ) {
    this.#seed = seed;
    const random = new Random(seed);
    const drawn = drawConfiguration(random.fork(1), operations, without);
    const configuration = hasDay(seed) ? { ...drawn, limits: forDay(drawn.limits) } : drawn;
    const clock = new VirtualClock(1_000);
    const world = new World(clock, configuration, random.fork(2), new Trace(logLines));
    const onConnection = (connection: Connection): void => plant.connection?.(connection);
    const onMux = (mux: Mux): void => plant.mux?.(mux);
    this.#world = world;
    this.#network = new Network(world, random.fork(3), (link) => this.#onLink(link, plant));
    this.#planRandom = random.fork(4);
    this.#server = new ServerSide(world, random.fork(5), this.#network, {
      connection: onConnection,
      mux: onMux,
      registry: (registry) => plant.registry?.(registry),
    });
    const parts = {
      world,
      network: this.#network,
      server: this.#server,
      nextSession: () => ++this.#sessions,
      onConnection,
      onMux,
    };
    const count = configuration.resume?.clients ?? 1;
    this.#clients = Array.from({ length: count }, (_, number) => new ClientSide(parts, number, "somebody"));
    const disturbance = new Disturbance(world, this.#network, this.#server, this.#clients);
    this.#workload = new Workload(world, this.#clients, disturbance);
  }

  #onLink(link: SimulatedLink, plant: Planted): void {
    plant.link?.(link);
    const world = this.#world;
    link.onCut = () => {
      if (!link.aToB.atBoundary || !link.bToA.atBoundary) world.mark("cutMidFrame");
      if (link.aToB.loaded || link.bToA.loaded) world.mark("cutWithDataOnTheWay");
      for (const client of this.#clients) {
        for (const { connection, lane } of client.attempts) {
          if (lane.link !== link) continue;
          if (connection.state === "opening") world.mark("cutInHandshake");
        }
      }
    };
  }

  play(): void {
    const world = this.#world;
    this.#server.rejects = world.has("reject");
    world.mayTimeOut = mayTimeOut(world);
    for (const kind of ["forget", "crowd"] as const) if (world.has(kind)) world.fault(kind);
    if (this.#planRandom.chance(0.5)) this.#start();
    else world.clock.schedule(() => this.#start(), 0);
    if (world.configuration.resume === undefined) this.#planEnd();
    const step = (): void => {
      const wait = this.#workload.step();
      if (world.operations === this.#atOperation?.operation) this.#atOperation.run();
      if (world.operations < world.configuration.operations) world.clock.schedule(step, wait);
    };
    step();
    this.#stepWhile(() => world.operations < world.configuration.operations, 200_000);
    if (hasDay(this.#seed)) this.#idle(DAY_MS);
    else if (this.#planRandom.chance(0.1)) this.#idle(MINUTE_MS);
    this.#heal();
    this.#finish();
  }

  #start(): void {
    for (const client of this.#clients) client.start();
  }

  /** Decide where the only connection of a session that cannot be carried on is lost, if it is. */
  #planEnd(): void {
    const world = this.#world;
    const random = this.#planRandom;
    const direction: Direction = random.pick(["aToB", "bToA"]);
    const atOperation = random.chance(0.25) ? 1 : random.int(1, world.configuration.operations);
    const skewMs = random.chance(0.5) ? 0 : random.int(-800, 800);
    const both = random.chance(0.4);
    if (!world.has("halfOpen") && !world.has("cut")) return;
    this.#atOperation = {
      operation: atOperation,
      run: () => {
        const lane = this.#network.lanes[0];
        if (!world.has("cut")) this.#vanish(both ? undefined : direction);
        else if (lane !== undefined && !lane.link.over) {
          world.fault("cut");
          lane.link.cut({ skewMs });
        }
      },
    };
  }

  #vanish(direction: Direction | undefined): void {
    const [lane] = this.#network.open;
    if (lane === undefined) return;
    this.#world.fault("halfOpen");
    this.#endsEarly = true;
    this.#network.vanish(lane, direction);
  }

  #stepWhile(going: () => boolean, mostSteps: number): void {
    const world = this.#world;
    const { clock } = world;
    const most = clock.steps + mostSteps + world.writtenBytes * 4;
    while (going()) {
      if (!clock.step()) return;
      if (clock.steps > most + world.writtenBytes * 4)
        world.fail(`Clock took over ${mostSteps} steps until ${clock.now()} ms: something spins`);
    }
  }

  #idle(ms: number): void {
    this.#world.mark(ms === DAY_MS ? "idleDay" : "idleMinute");
    this.#pass(ms, 200_000);
  }

  #pass(ms: number, mostSteps = 100_000): void {
    const { clock } = this.#world;
    const until = clock.now() + ms;
    clock.schedule(() => {}, ms);
    this.#stepWhile(() => clock.now() < until, mostSteps);
  }

  /** Wait until something holds. @returns whether it does. */
  #waitUntil(holds: () => boolean, ms: number): boolean {
    const { clock } = this.#world;
    const until = clock.now() + ms;
    clock.schedule(() => {}, ms);
    this.#stepWhile(() => clock.now() < until && !holds(), 300_000);
    return holds();
  }

  /** End all faults and wait for everything to come to its end. */
  #heal(): void {
    const world = this.#world;
    const processes = [...this.#clients.map(({ machine }) => machine), this.#server.machine];
    this.#waitUntil(() => !processes.some(({ frozen }) => frozen), DAY_MS);
    world.healing = true;
    this.#network.heal();
    if (this.#endsEarly) this.#waitForDeath();
    for (const lane of this.#network.open) if (lane.vanished) this.#network.cut(lane);
    for (const client of this.#clients) client.hurry();
    this.#finishAll();
    this.#waitForQuiet();
  }

  /** All applications. */
  get #apps(): Application[] {
    return [...this.#clients.flatMap(({ apps }) => apps), ...this.#server.apps];
  }

  #finishAll(): void {
    for (const side of this.#apps) {
      side.act(() => {
        for (const endpoint of side.endpoints) endpoint.heal("");
      });
    }
  }

  /** The clients that should be connected. */
  get #open(): ClientSide[] {
    return this.#clients.filter(({ over }) => !over);
  }

  #waitForQuiet(): void {
    const most = LIVENESS_MS + this.#backlogMs();
    this.#waitUntil(() => this.#open.every((client) => client.settled && isQuiet(client.app)), most);
    this.#pass(SETTLE_MS);
  }

  /** Time that what was planned needs at least, ms: stalls that go on, and bytes at the bandwidth. */
  #backlogMs(): number {
    const { limits, link } = this.#world.configuration;
    const stallMs = this.#world.has("longStall") ? 320_000 : 10_000;
    const { plannedBytes } = this.#world;
    const bandMs = Number.isFinite(link.bytesPerSecond) ? (plannedBytes * 2_000) / link.bytesPerSecond : 0;
    const smallest = Math.min(limits.client.streamWindowBytes, limits.server.streamWindowBytes);
    return stallMs + bandMs + (plannedBytes / (smallest / 2)) * 2 * link.latencyMs;
  }

  /** A peer that is gone without a word must be noticed by both sides. */
  #waitForDeath(): void {
    const { client, server } = this.#world.configuration.limits;
    const most = 10 * Math.max(client.keepAliveMs, server.keepAliveMs) + client.handshakeMs;
    const apps = this.#apps;
    this.#waitUntil(() => apps.every(({ ended }) => ended !== undefined), most);
    for (const side of apps) {
      if (side.ended === undefined)
        this.#world.fail(`${side.name}: did not notice in ${most} ms that its peer is gone`);
    }
  }

  /** The server lets go of the sessions that no client comes back to. */
  #waitForExpiry(): void {
    const { limits, resume } = this.#world.configuration;
    const live = new Set(this.#open.map(({ app }) => app.peer));
    const most =
      2 * (resume?.registry.keepMs ?? 0) +
      10 * Math.max(limits.client.keepAliveMs, limits.server.keepAliveMs);
    const isOrphan = (app: Application): boolean => !app.gone && !live.has(app) && app.ended === undefined;
    this.#waitUntil(() => !this.#server.apps.some(isOrphan), most);
    const orphan = this.#server.apps.find(isOrphan);
    if (orphan !== undefined) this.#world.fail(`${orphan.name}: is kept although nobody comes back to it`);
    const kept = resume === undefined ? 0 : this.#open.length;
    if (this.#server.sessions.registry.size !== kept)
      this.#world.fail(
        `registry: ${this.#server.sessions.registry.size} sessions are kept, ${kept} are open`,
      );
  }

  #finish(): void {
    const world = this.#world;
    this.#waitForExpiry();
    this.#askAll();
    checkEnd(world, this.#apps);
    for (const { app } of this.#open) checkQuiet(world, app);
    this.#probe();
    for (const client of this.#open) client.machine.whenAwake(() => client.close("ERR_NONE"));
    world.clock.runUntilIdle(100_000);
    for (const side of this.#apps) {
      if (side.gone) continue;
      if (side.ended === undefined && side.endpoints.length > 0)
        world.fail(`${side.name}: did not hear that the session is over`);
      for (const endpoint of side.endpoints) endpoint.checkKept();
    }
    if (this.#server.sessions.registry.size > 0)
      world.fail(`registry: ${this.#server.sessions.registry.size} sessions are kept when all are over`);
  }

  /** The answer to a PING shows that all that went before it has arrived. */
  #askAll(): void {
    const sides = this.#open.flatMap(({ app }) => (app.peer === undefined ? [app] : [app, app.peer]));
    for (const side of sides) side.act(() => side.ping());
    this.#waitUntil(() => sides.every(({ mux }) => mux.told.length === 0), this.#backlogMs());
    this.#pass(SETTLE_MS);
  }

  /** After all that, each side can open as many streams as ever and fill them. */
  #probe(): void {
    const { maxPieceBytes } = this.#world.configuration.link;
    this.#network.change({ maxPieceBytes: Math.max(maxPieceBytes, PROBE_PIECE_BYTES) });
    for (const { app } of this.#open) {
      for (const side of [app, app.peer]) {
        side?.act(() => {
          for (let count = PROBES; count > 0; count--) side.open()?.plan(PROBE_BYTES);
        });
      }
    }
    this.#finishAll();
    this.#waitForQuiet();
    this.#askAll();
    checkEnd(this.#world, this.#apps);
    for (const { app } of this.#open) checkQuiet(this.#world, app);
  }

  result(violation: string | undefined): SimulateResult {
    const world = this.#world;
    const pipes = this.#network.lanes.flatMap(({ link }) => [link.aToB, link.bToA]);
    const sum = (value: (pipe: (typeof pipes)[number]) => number): number =>
      pipes.reduce((total, pipe) => total + value(pipe), 0);
    const clients = (value: (client: ClientSide) => number): number =>
      this.#clients.reduce((total, client) => total + value(client), 0);
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
      connections: this.#network.lanes.length,
      resumes: clients(({ resumes }) => resumes),
      migrations: clients(({ migrations }) => migrations),
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

/** Whether delays may reach the times after which a side gives up. */
function mayTimeOut(world: World): boolean {
  return world.has("longStall") || world.has("halfOpen") || world.has("suspend");
}
