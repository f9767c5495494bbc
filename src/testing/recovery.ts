import type { Application } from "./application.ts";
import type { ClientSide } from "./client-side.ts";
import type { Network } from "./network.ts";
import { checkEnd, checkQuiet, isQuiet } from "./oracle.ts";
import type { ServerSide } from "./server-side.ts";
import { Stepper } from "./stepper.ts";
import type { World } from "./world.ts";

/** Time in which everything must come to its end once all faults are over, ms. */
const LIVENESS_MS = 60_000;

/** Time for what needs no answer, such as a datagram, to arrive, ms. */
const SETTLE_MS = 1_000;

/** Streams that each side opens at the end, and what it sends on each. */
const PROBES = 20;
const PROBE_BYTES = 3_000;

/** Pieces of records are no smaller at the end, when all faults are over: they take time. */
const PROBE_PIECE_BYTES = 40;

/** Longest time that a process sleeps, and more, ms. */
const SLEEP_MS = 3_600_000;

/** The end of a run: all faults are over, and what was begun must come to its end. */
export class Recovery {
  readonly #world: World;
  readonly #network: Network;
  readonly #server: ServerSide;
  readonly #clients: readonly ClientSide[];
  readonly #stepper: Stepper;

  constructor(world: World, network: Network, server: ServerSide, clients: readonly ClientSide[]) {
    this.#world = world;
    this.#network = network;
    this.#server = server;
    this.#clients = clients;
    this.#stepper = new Stepper(world);
  }

  /**
   * End all faults and wait for everything to come to its end.
   * @param endsEarly - the only connection of the run is half open
   */
  heal(endsEarly: boolean): void {
    const world = this.#world;
    const processes = [...this.#clients.map(({ machine }) => machine), this.#server.machine];
    this.#stepper.waitUntil(() => !processes.some(({ frozen }) => frozen), SLEEP_MS);
    world.healing = true;
    this.#network.heal();
    if (endsEarly) this.#waitForDeath();
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
    const quiet = (client: ClientSide): boolean => client.settled && isQuiet(client.app);
    this.#stepper.waitUntil(() => this.#open.every(quiet), most);
    for (const { app, machine, settled } of this.#open) {
      if (!settled || !app.peer?.connected)
        this.#world.fail(`${machine.name}: is not connected ${most} ms after all faults are over`);
    }
    this.#stepper.pass(SETTLE_MS);
  }

  /** Time that what was planned needs at least, ms: stalls that go on, and bytes at the bandwidth. */
  #backlogMs(): number {
    const { limits, link } = this.#world.configuration;
    const stallMs = this.#world.has("longStall") ? 320_000 : 10_000;
    const { plannedBytes } = this.#world;
    const bandMs = Number.isFinite(link.bytesPerSecond) ? (plannedBytes * 2_000) / link.bytesPerSecond : 0;
    const windows = [limits.client, limits.server].flatMap((of) => [
      of.streamWindowBytes,
      of.sessionWindowBytes,
    ]);
    const smallest = Math.min(...windows);
    return stallMs + bandMs + (plannedBytes / (smallest / 2)) * 2 * link.latencyMs;
  }

  /** A peer that is gone without a word must be noticed by both sides. */
  #waitForDeath(): void {
    const { client, server } = this.#world.configuration.limits;
    const most = 10 * Math.max(client.keepAliveMs, server.keepAliveMs) + client.handshakeMs;
    const apps = this.#apps;
    this.#stepper.waitUntil(() => apps.every(({ ended }) => ended !== undefined), most);
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
    this.#stepper.waitUntil(() => !this.#server.apps.some(isOrphan), most);
    const orphan = this.#server.apps.find(isOrphan);
    if (orphan !== undefined) this.#world.fail(`${orphan.name}: is kept although nobody comes back to it`);
    const kept = resume === undefined ? 0 : this.#open.length;
    if (this.#server.sessions.registry.size !== kept)
      this.#world.fail(
        `registry: ${this.#server.sessions.registry.size} sessions are kept, ${kept} are open`,
      );
  }

  /** Check that everything has come to its end, use the sessions once more, and close them. */
  finish(): void {
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
    this.#stepper.waitUntil(() => sides.every(({ mux }) => mux.told.length === 0), this.#backlogMs());
    this.#stepper.pass(SETTLE_MS);
    // An attempt on a slow way may have come only now, and have taken a session from its client.
    this.#waitForExpiry();
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
}
