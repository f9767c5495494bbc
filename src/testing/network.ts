import type { FaultKind } from "./faults.ts";
import { type Direction, SimulatedLink } from "./link.ts";
import type { Random } from "./random.ts";
import type { World } from "./world.ts";

/** Bytes of the first frames of a connection that carries on a session, about. */
const HANDSHAKE_BYTES = 900;

/** Bytes of the server's answer among which its token has just come, or just not: from, to. */
const ANSWER_BYTES = [80, 260] as const;

/** A link of a run. */
export interface Lane {
  readonly number: number;
  readonly link: SimulatedLink;
  /** Nothing comes through any more, and nobody was told. */
  vanished: boolean;
}

/** The links of a run, one after the other or at the same time, and what becomes of each. */
export class Network {
  readonly lanes: Lane[] = [];
  /** Links that may still be cut. */
  cutsLeft: number;
  readonly #world: World;
  readonly #random: Random;
  readonly #rotateRandom: Random;
  readonly #onLink: (link: SimulatedLink) => void;
  /** What links do now, over what the seed says. */
  #changed: Parameters<SimulatedLink["change"]>[0] = {};

  /** @param onLink - called with each link before it is used */
  constructor(world: World, random: Random, onLink: (link: SimulatedLink) => void) {
    this.#world = world;
    this.#random = random;
    this.#rotateRandom = random.fork(1_000_003);
    this.#onLink = onLink;
    this.cutsLeft = world.configuration.resume?.cuts ?? 1;
  }

  /** The links that are not over. */
  get open(): Lane[] {
    return this.lanes.filter(({ link }) => !link.over);
  }

  /** A new link. */
  dial(): Lane {
    const number = this.lanes.length;
    const link = new SimulatedLink(
      this.#world.clock,
      this.#random.fork(number),
      this.#world.configuration.link,
    );
    const lane: Lane = { number, link, vanished: false };
    link.change(this.#changed);
    this.lanes.push(lane);
    this.#onLink(link);
    return lane;
  }

  /** Change how all links behave from now on. */
  change(options: Parameters<SimulatedLink["change"]>[0]): void {
    this.#changed = { ...this.#changed, ...options };
    for (const { link } of this.open) link.change(options);
  }

  /** Decide at which byte a link is cut, if at all. @param resuming - its handshake carries on a session */
  planCut({ link }: Lane, resuming: boolean): void {
    const world = this.#world;
    const random = this.#random;
    const direction: Direction = random.pick(["aToB", "bToA"]);
    const early = random.chance(this.lanes.length === 1 ? 0.25 : 0.05);
    const bytes = early ? random.int(0, 200) : random.skewed(1, this.lanes.length === 1 ? 200_000 : 60_000);
    const roll = random.float();
    const handshakeBytes = random.int(0, HANDSHAKE_BYTES);
    if (this.cutsLeft <= 0 || world.healing) return;
    if (resuming && world.has("handshakeCut") && roll < 0.3) {
      this.#cutAfter(link, handshakeBytes, direction, "handshakeCut");
    } else if (resuming && world.has("rotateCut") && roll < 0.5) {
      this.#cutAfter(link, this.#rotateRandom.int(...ANSWER_BYTES), "bToA", "rotateCut");
    } else if (world.has("cut") && roll < 0.75) this.#cutAfter(link, bytes, direction, "cut");
  }

  #cutAfter(link: SimulatedLink, bytes: number, direction: Direction, kind: FaultKind): void {
    const onCut = link.onCut;
    link.onCut = () => {
      this.cutsLeft--;
      this.#world.fault(kind);
      onCut();
    };
    link.cutAfter(bytes, direction);
  }

  /** A token was rotated: cut the link before the client has the new one, or before the server hears that it has. */
  planRotationCut(lane: Lane): void {
    const world = this.#world;
    const due = this.#random.chance(0.3);
    const afterMs = this.#random.pick([0, 0.5, 1, 1.5, 1.99]) * world.configuration.link.latencyMs;
    if (!due || !world.has("rotateCut") || this.cutsLeft <= 0 || world.healing) return;
    this.cutsLeft--;
    world.clock.schedule(() => {
      if (!lane.link.over) world.fault("rotateCut");
      this.cut(lane);
    }, afterMs);
  }

  /** Cut a link now, if that may happen. */
  cut({ link }: Lane, skewMs = 0): void {
    if (!link.over) link.cut({ skewMs });
  }

  /** Let nothing through any more without telling anybody. */
  vanish(lane: Lane, direction?: Direction): void {
    lane.vanished = true;
    lane.link.vanish(direction);
  }

  /** End all faults. */
  heal(): void {
    this.change({ bytesPerSecond: Number.POSITIVE_INFINITY, jitterMs: 0, bufferBytes: 262_144 });
    for (const { link } of this.open) {
      for (const direction of ["aToB", "bToA"] as const) link.cutAfter(Number.POSITIVE_INFINITY, direction);
    }
  }
}
