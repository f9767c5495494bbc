import type { Connection } from "../core/connection/connection.ts";
import type { Limits } from "../core/limits.ts";
import type { Mux } from "../core/streams/mux.ts";
import { ClientSide } from "./client-side.ts";
import { VirtualClock } from "./clock.ts";
import { type Configuration, drawConfiguration } from "./configuration.ts";
import { Disturbance } from "./disturbance.ts";
import type { Direction, SimulatedLink } from "./link.ts";
import { Network } from "./network.ts";
import { Random } from "./random.ts";
import { Recovery } from "./recovery.ts";
import { ServerSide } from "./server-side.ts";
import type { Planted, SimulateOptions, SimulateResult } from "./simulate-options.ts";
import { Stepper } from "./stepper.ts";
import { Trace } from "./trace.ts";
import { Workload } from "./workload.ts";
import { Violation, World } from "./world.ts";

/** Operations of a run. */
const OPERATIONS = 320;

/** Every such seed has a day in which nothing happens. */
const IDLE_DAY_EVERY = 100;
const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

/** Least times of timers that repeat for all of a day: shorter ones only repeat more often, and take time. */
const DAY_KEEP_ALIVE_MS = 30_000;
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
  if ((options.logLines ?? 0) === 0 && stackTraceLimit !== undefined) traces.stackTraceLimit = 0;
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
  readonly #stepper: Stepper;
  readonly #recovery: Recovery;
  /** How the connection is to be ended, if the seed says so. */
  #endsEarly = false;
  #atOperation: { readonly operation: number; readonly run: () => void } | undefined;
  #sessions = 0;

  constructor(
    seed: number,
    { operations = OPERATIONS, skip = [], without = [], logLines = 0, plant = {} }: SimulateOptions,
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
    this.#workload = new Workload(world, this.#clients, disturbance, skip);
    this.#stepper = new Stepper(world);
    this.#recovery = new Recovery(world, this.#network, this.#server, this.#clients);
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
    this.#stepper.stepWhile(() => world.operations < world.configuration.operations, 200_000);
    if (hasDay(this.#seed)) this.#idle(DAY_MS);
    else if (this.#planRandom.chance(0.1)) this.#idle(MINUTE_MS);
    this.#recovery.heal(this.#endsEarly);
    this.#recovery.finish();
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

  #idle(ms: number): void {
    this.#world.mark(ms === DAY_MS ? "idleDay" : "idleMinute");
    this.#stepper.pass(ms, 200_000);
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

/** Kinds after which a peer is silent for longer than a message may take to arrive. */
const SILENCES = ["longStall", "halfOpen", "suspend", "restart", "away"] as const;

/** Whether delays may reach the times after which a side gives up. */
function mayTimeOut(world: World): boolean {
  return SILENCES.some((kind) => world.has(kind));
}
