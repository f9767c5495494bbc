import { type Bytes, equalBytes } from "../core/bytes.ts";
import { WireError } from "../core/errors.ts";
import { type DropReason, type ResumeLimits, ResumeRegistry } from "../core/resume/resume-registry.ts";
import type { Hello } from "../core/wire/hello.ts";
import type { Application } from "./application.ts";
import type { Caller } from "./caller.ts";
import type { Process } from "./process.ts";
import type { World } from "./world.ts";

/** What the server knows of a session, as the run keeps it beside the registry. */
export interface Kept {
  readonly app: Application;
  readonly sessionId: Bytes;
  readonly principal: string;
  /** All that were given out, in order, and to whom. */
  readonly tokens: { readonly token: Bytes; readonly caller: Caller }[];
  /** Places of the token that was shown last, and of the last one that the client has proved to have. */
  shown: number;
  confirmed: number;
  /** When its connection was lost, ms; -1 while it has one. */
  detachedAt: number;
}

/** Where no session is kept. */
const NOTHING_KEPT: ResumeLimits = {
  keepMs: 1,
  maxDetached: 1,
  maxDetachedPerPrincipal: 1,
  maxDetachedBytes: 1,
};

/** Sums of times are rounded, ms. */
const ROUNDING_MS = 0.001;

/** The sessions that one server process keeps: its registry, and what every answer of that must be. */
export class KeptSessions {
  readonly registry: ResumeRegistry<Application>;
  readonly #world: World;
  readonly #machine: Process;
  readonly #limits: ResumeLimits;
  readonly #kept: Map<Application, Kept> = new Map();
  #timer: unknown;

  /** @param onRegistry - called with the registry before it is used */
  constructor(world: World, machine: Process, onRegistry: (registry: ResumeRegistry<Application>) => void) {
    this.#world = world;
    this.#machine = machine;
    this.#limits = world.configuration.resume?.registry ?? NOTHING_KEPT;
    this.registry = new ResumeRegistry<Application>(this.#limits, (app, why) => this.#onDrop(app, why));
    onRegistry(this.registry);
  }

  /** All that are kept. */
  get all(): readonly Kept[] {
    return [...this.#kept.values()];
  }

  #onDrop(app: Application, why: DropReason): void {
    const world = this.#world;
    const kept = this.#kept.get(app) ?? world.fail("registry: dropped a session that it does not have");
    if (why === "expired") {
      world.mark("serverExpired");
      const ms = world.clock.now() - kept.detachedAt;
      if (ms < this.#limits.keepMs - ROUNDING_MS)
        world.fail(`registry: session ${app.number} expired ${ms} ms after its loss`);
    } else {
      world.mark("evicted");
      if (!this.#mayEvict(kept)) world.fail(`registry: session ${app.number} was evicted without need`);
    }
    this.#kept.delete(app);
    app.end(new WireError("ERR_SESSION_EXPIRED", `Session was ${why} while its connection was lost`));
  }

  /** Whether there are too many sessions without a connection, and this is the one of its client that was lost first. */
  #mayEvict(kept: Kept): boolean {
    const earlier = this.all.some(
      ({ detachedAt, principal }) =>
        principal === kept.principal && detachedAt >= 0 && detachedAt < kept.detachedAt,
    );
    return !earlier && (this.#limits.maxDetachedBytes < 1_000_000 || this.#isCrowded(kept));
  }

  /** Whether sessions without a connection are more than there may be. */
  #isCrowded({ principal }: Kept): boolean {
    const { maxDetached, maxDetachedPerPrincipal } = this.#limits;
    const detached = this.all.filter(({ detachedAt }) => detachedAt >= 0);
    const own = detached.filter((each) => each.principal === principal);
    return detached.length > maxDetached || own.length > maxDetachedPerPrincipal;
  }

  /** Know a session from now on. */
  add(app: Application, caller: Caller, sessionId: Bytes, token: Bytes): void {
    const tokens = [{ token, caller }];
    const { principal } = caller;
    this.#kept.set(app, { app, sessionId, principal, tokens, shown: 0, confirmed: 0, detachedAt: -1 });
    this.registry.add(app, sessionId, principal, digestOf(token));
  }

  /** A session is over. */
  end(app: Application, error: WireError | undefined): void {
    app.end(error);
    if (!this.#kept.delete(app)) return;
    this.registry.remove(app);
    this.#arm();
  }

  /** The connection of a session was lost. */
  detach(app: Application, error: WireError): void {
    const now = this.#world.clock.now();
    const kept = this.#kept.get(app);
    if (kept !== undefined) kept.detachedAt = now;
    app.detached();
    const known = this.registry.detach(app, now);
    if (kept !== undefined && this.#isCrowded(kept))
      this.#world.fail(`registry: ${this.registry.detached} sessions without a connection are kept`);
    this.#arm();
    if (!known) this.end(app, error);
  }

  #arm(): void {
    const { clock } = this.#world;
    clock.cancel(this.#timer);
    const { deadline } = this.registry;
    this.#timer =
      deadline === undefined
        ? undefined
        : this.#machine.schedule(() => {
            this.registry.expire(clock.now());
            this.#arm();
          }, deadline - clock.now());
  }

  /** Nothing is kept any more: its process has ended. */
  stop(): void {
    this.#world.clock.cancel(this.#timer);
    this.#timer = undefined;
  }

  /** Ask the registry, and check that its answer is right. */
  claim(hello: Hello, caller: Caller, next: Bytes): Application | undefined {
    const { resumeAttempt, resumeToken, sessionId } = hello;
    if (resumeToken === undefined || sessionId === undefined) return undefined;
    const kept = this.all.find((each) => equalBytes(each.sessionId, sessionId));
    const place = kept?.tokens.findIndex(({ token }) => equalBytes(token, resumeToken)) ?? -1;
    const app = this.registry.claim({
      sessionId,
      digest: digestOf(resumeToken),
      principal: caller.principal,
      next: digestOf(next),
      attempt: resumeAttempt,
    });
    this.#arm();
    if (app === undefined) this.#refused(kept, place, caller);
    else this.#accepted(app, kept, place, caller, next);
    return app;
  }

  #accepted(app: Application, kept: Kept | undefined, place: number, caller: Caller, next: Bytes): void {
    const world = this.#world;
    if (kept === undefined || kept.app !== app) return world.fail("registry: accepted an unknown session");
    if (place < kept.confirmed || kept.principal !== caller.principal)
      world.fail(`registry: token ${place} was accepted, the client has confirmed ${kept.confirmed}`);
    if (isOvertaken(kept, caller))
      world.fail(`registry: a late attempt has taken session ${app.number} over`);
    const last = kept.tokens.length - 1;
    if (place === kept.shown && place < last) world.mark("tokenReusedAfterLostAnswer");
    if (place === last && place > kept.confirmed) world.mark("ackLostAfterRotate");
    if (app.host !== undefined) world.mark("takeoverOfLiveConnection");
    if (!caller.honest) world.mark("thiefTookOver");
    app.stolen = caller.honest ? (caller.abandoned ? "own" : undefined) : "thief";
    kept.tokens.push({ token: next, caller });
    kept.shown = place;
    kept.detachedAt = -1;
  }

  /** A client that has done nothing wrong must get its session, as long as that is there. */
  #refused(kept: Kept | undefined, place: number, caller: Caller): void {
    const world = this.#world;
    if (!caller.honest) world.mark("thiefRefused");
    if (!caller.honest || caller.abandoned || kept === undefined) return;
    if (isOvertaken(kept, caller)) {
      world.mark("attemptsOvertaken");
      return;
    }
    // It has dialed twice with one token, and has proved since that it has the next one.
    if (place < kept.confirmed || kept.app.stolen === "thief") return;
    const last = kept.tokens.length - 1;
    if (place === kept.shown || place === last)
      world.fail(
        `registry: refused token ${place} of session ${kept.app.number}, it had ${kept.shown} and ${last}`,
      );
    // Another connection of this client has had the tokens after it.
    world.mark("lostToOwnAttempt");
    kept.app.stolen ??= "own";
  }

  /** The client has the token that it got with a connection. */
  confirm(app: Application, caller: Caller): void {
    const kept = this.#kept.get(app);
    if (kept === undefined) return;
    const place = kept.tokens.findIndex((each) => each.caller === caller);
    kept.confirmed = Math.max(kept.confirmed, place);
    this.registry.confirm(app);
  }
}

/** Whether a client has made an attempt before one that was let in: what becomes of it, it does not care. */
function isOvertaken({ tokens }: Kept, { honest, number }: Caller): boolean {
  return honest && tokens.some(({ caller }) => caller.honest && caller.number > number);
}

/** Stands for a hash: tells tokens apart, and is not one of them. */
function digestOf(token: Bytes): Bytes {
  return token.map((byte) => byte ^ 0x5a);
}
