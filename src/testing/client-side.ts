import type { Bytes } from "../core/bytes.ts";
import { Connection } from "../core/connection/connection.ts";
import { type ErrorName, WireError } from "../core/errors.ts";
import { Mux } from "../core/streams/mux.ts";
import { BufferPool } from "../core/wire/buffer-pool.ts";
import type { Hello } from "../core/wire/hello.ts";
import { Application } from "./application.ts";
import { Attempt } from "./attempt.ts";
import { LZ4 } from "./frame-watch.ts";
import type { Network } from "./network.ts";
import { Process } from "./process.ts";
import type { ServerSide } from "./server-side.ts";
import type { World } from "./world.ts";

/** What a client carries its session on with. */
export interface Ticket {
  readonly sessionId: Bytes;
  readonly resumeToken: Bytes;
  /** How long after a loss it is good, ms. */
  readonly keepMs: number;
}

/** What a client is made from. */
export interface ClientParts {
  readonly world: World;
  readonly network: Network;
  readonly server: ServerSide;
  /** Gives the next number of a session. */
  readonly nextSession: () => number;
  /** Called with each connection, and with the streams of each session, before they are used. */
  readonly onConnection: (connection: Connection) => void;
  readonly onMux: (mux: Mux) => void;
}

/** Errors after which another attempt would end the same way. */
const FINAL: ReadonlySet<ErrorName> = new Set<ErrorName>(["ERR_AUTH", "ERR_VERSION", "ERR_PROTOCOL"]);

/** Longest time between two attempts, ms. */
const MOST_BACKOFF_MS = 500;

/** A connection that received no more records than this did nothing but carry on the session. */
const IN_A_ROW_RECORDS = 6;

/**
 * A client: keeps its session connected as `session/connector.ts` does, without a promise. Beyond that it may dial again
 * before an attempt is answered, and move in every state.
 */
export class ClientSide {
  readonly machine: Process;
  readonly principal: string;
  readonly world: World;
  /** The session that it has now, and all that it ever had. */
  app: Application;
  readonly apps: Application[] = [];
  ticket: Ticket | undefined;
  /** It does not connect any more. */
  over = false;
  /** It has dialed again while an attempt was not answered, or has given one up that the server may still see. */
  strays = 0;
  /** What it has been through since it was open last, for marks. */
  readonly since = { suspended: false, halfOpen: false, failedInHandshake: false, full: false, resumes: 0 };
  resumes = 0;
  migrations = 0;
  readonly #parts: ClientParts;
  readonly #attempts: Set<Attempt> = new Set();
  readonly #pool: BufferPool = new BufferPool();
  #dials = 0;
  /** Attempts since it was open last. */
  #failures = 0;
  #redial: unknown;
  #expiry: unknown;
  /** The next connection after a loss comes so much later, ms. */
  #awayMs = 0;

  constructor(parts: ClientParts, number: number, principal: string) {
    this.#parts = parts;
    this.world = parts.world;
    this.principal = principal;
    this.machine = new Process(
      parts.world.clock,
      number * 8 + 1,
      number === 0 ? "client" : `client ${number + 1}`,
    );
    this.app = this.#newApplication();
  }

  #newApplication(mux?: Mux): Application {
    const { configuration } = this.world;
    const own = mux ?? new Mux("client", configuration.limits.client);
    if (mux === undefined) this.#parts.onMux(own);
    const app = new Application(this.world, this.machine, "client", own, this.#parts.nextSession());
    this.apps.push(app);
    return app;
  }

  /** The attempt that carries the session, or begins it. */
  get carrier(): Attempt | undefined {
    for (const attempt of this.#attempts) if (attempt.connection.mux === this.app.mux) return attempt;
    return undefined;
  }

  /** Whether the session is open and nothing else is under way. */
  get settled(): boolean {
    return this.app.connected && this.#attempts.size === 1;
  }

  /** Attempts that are not over. */
  get attempts(): ReadonlySet<Attempt> {
    return this.#attempts;
  }

  /** Connect for the first time. */
  start(): void {
    this.dial();
  }

  /** Open one more connection for the session. @param move - another one carries it as yet */
  dial(move = false): Attempt {
    const { app, ticket, world } = this;
    const { configuration, clock } = world;
    const lane = this.#parts.network.dial();
    const others = this.#attempts.size > 0;
    const claim = (): void => this.#claim(attempt);
    const number = ++this.#dials;
    const connection = new Connection({
      role: "client",
      limits: configuration.limits.client,
      messageBoundaries: configuration.link.messageBoundaries,
      lanes: configuration.link.lanes - 1,
      codecs: ["raw"],
      pool: this.#pool,
      now: clock.now(),
      ...(configuration.compresses ? { compression: LZ4.open() } : {}),
      ...(configuration.resume === undefined
        ? {}
        : { resumeMs: configuration.resume.resumeMs, watch: configuration.resume.watch }),
      ...(ticket === undefined
        ? { mux: app.mux }
        : {
            resume: {
              sessionId: ticket.sessionId,
              resumeToken: ticket.resumeToken,
              mux: app.mux,
              attempt: number,
              ...(others ? { claim } : {}),
            },
          }),
    });
    this.#parts.onConnection(connection);
    if (ticket !== undefined) this.#parts.onMux(connection.mux);
    const attempt: Attempt = new Attempt(this, lane, connection, {
      number,
      carried: ticket === undefined ? undefined : app,
      claims: others,
      move,
    });
    if (others) this.strays++;
    this.#attempts.add(attempt);
    if (!others) app.host = attempt.host;
    this.#parts.network.planCut(lane, ticket !== undefined);
    if (configuration.resume !== undefined) attempt.giveUpAfter(configuration.resume.attemptMs);
    this.#parts.server.serve(lane, attempt);
    attempt.host.start();
    return attempt;
  }

  /** The server has agreed: whatever carries the streams lets go of them. */
  #claim(attempt: Attempt): void {
    const { app } = this;
    app.noteBefore();
    for (const other of [...this.#attempts]) {
      if (other === attempt) continue;
      if (other.connection.mux === app.mux) other.connection.supersede();
      else if (other.number < attempt.number) other.abandon();
    }
    app.host = attempt.host;
  }

  /** Its side of a session that begins with a connection. */
  begin(attempt: Attempt): Application {
    if (attempt.carried === undefined) return this.app;
    attempt.fresh ??= this.#newApplication(attempt.connection.mux);
    return attempt.fresh;
  }

  /** A connection is open. */
  opened(attempt: Attempt, hello: Hello, resumed: boolean): void {
    if (attempt.carried !== undefined && !resumed) return this.#unknown(attempt, hello);
    const { app, since, world } = this;
    this.#keep(hello);
    app.opened();
    if (!resumed) return;
    this.resumes++;
    world.mark("resumed");
    if (since.failedInHandshake) world.mark("resumeMidHandshake");
    if (since.suspended) world.mark("resumeAfterSuspend");
    if (since.halfOpen) world.mark("resumeAfterHalfOpen");
    if (++since.resumes === 2) world.mark("resumedTwiceInARow");
    if (since.full) world.mark("bothSidesFullResumed");
    since.suspended = since.halfOpen = since.failedInHandshake = since.full = false;
    const { peer } = app;
    if (attempt.move) {
      this.migrations++;
      world.mark("migrated");
      if (app.mux.outbox.queuedBytes + (peer?.mux.outbox.queuedBytes ?? 0) > 0)
        world.mark("migratedUnderLoad");
    } else if (attempt.claims) world.mark("duplicateAnswered");
    app.resumed();
  }

  #keep({ resumeMs = 0, resumeToken, sessionId }: Hello): void {
    const { resume } = this.world.configuration;
    this.#stopExpiry();
    this.#failures = 0;
    const keepMs = Math.min(resumeMs, resume?.resumeMs ?? 0);
    const kept = resumeToken !== undefined && sessionId !== undefined && keepMs > 0 && !this.app.refused;
    this.ticket = kept ? { sessionId, resumeToken, keepMs } : undefined;
  }

  /** The server does not know the session. */
  #unknown(attempt: Attempt, hello: Hello): void {
    const carrier = this.carrier;
    if (attempt.carried !== this.app || (carrier !== undefined && carrier !== attempt)) {
      attempt.connection.close();
      return;
    }
    this.world.mark("unknownSession");
    this.#lose("ERR_SESSION_UNKNOWN", attempt);
    this.app.opened();
    this.#keep(hello);
  }

  /** The streams of the session cannot be carried on. @param next - the connection that begins another one */
  #lose(code: ErrorName, next?: Attempt): void {
    const lost = this.app;
    this.ticket = undefined;
    this.#stopExpiry();
    this.app = next === undefined ? this.#newApplication() : this.begin(next);
    this.app.host = next?.host;
    lost.end(new WireError(code, "Session is lost"));
    for (const attempt of [...this.#attempts]) if (attempt !== next) attempt.abandon();
    if (next === undefined) this.#ensure();
  }

  /** An attempt has failed, but the server may count the token as used that it has answered. */
  #noteToken(attempt: Attempt): void {
    const { resumed, resumeToken } = attempt.connection.peer ?? {};
    if (attempt.carried !== this.app || resumed !== true || resumeToken === undefined) return;
    if (this.ticket !== undefined && attempt.connection.state !== "open")
      this.ticket = { ...this.ticket, resumeToken };
  }

  /** A connection is over. */
  closed(attempt: Attempt, error: WireError | undefined, resumable: boolean): void {
    const { app, world } = this;
    const carried = attempt.connection.mux === app.mux;
    if (!attempt.wasOpen) this.#noteToken(attempt);
    this.#attempts.delete(attempt);
    if (attempt.carried !== undefined && attempt.connection.peer === undefined) {
      this.since.failedInHandshake = true;
      this.strays++;
    }
    if (this.over) return;
    if (!carried) {
      if (attempt.move && !attempt.wasOpen) world.mark("migrationFailed");
      if (app.host === attempt.host) app.host = undefined;
      if (error?.code === "ERR_AUTH") this.#finish(error);
      else this.#ensure();
      return;
    }
    if (attempt.connection.counters.recordsReceived > IN_A_ROW_RECORDS) this.since.resumes = 0;
    this.since.full = isFull(app) && app.peer !== undefined && isFull(app.peer);
    app.detached();
    if (error === undefined || world.configuration.resume === undefined || FINAL.has(error.code))
      this.#finish(error);
    else if (!resumable || this.ticket === undefined) this.#startOver(error);
    else if (error.code === "ERR_TAKEOVER" && this.strays === 0) this.#startOver(error);
    else {
      this.#startExpiry(this.ticket.keepMs);
      this.#ensure();
    }
  }

  #finish(error: WireError | undefined): void {
    this.over = true;
    this.#stopExpiry();
    this.world.clock.cancel(this.#redial);
    this.app.end(error);
    for (const attempt of [...this.#attempts]) attempt.abandon();
  }

  #startOver(error: WireError): void {
    const lost = this.app;
    this.ticket = undefined;
    this.#stopExpiry();
    this.app = this.#newApplication();
    if (error.code === "ERR_SESSION_EXPIRED") this.world.mark("tooMuchLost");
    lost.end(error);
    for (const attempt of [...this.#attempts]) attempt.abandon();
    this.#ensure();
  }

  #startExpiry(ms: number): void {
    if (this.#expiry !== undefined) return;
    const { app } = this;
    const expiry = this.machine.schedule(() => {
      if (this.#expiry !== expiry || this.app !== app) return;
      this.world.mark("expired");
      app.expired = true;
      this.#lose("ERR_SESSION_EXPIRED");
    }, ms);
    this.#expiry = expiry;
  }

  #stopExpiry(): void {
    this.world.clock.cancel(this.#expiry);
    this.#expiry = undefined;
  }

  /** Stay away after the next loss for so long, ms. */
  stayAway(ms: number): void {
    this.#awayMs = ms;
  }

  /** Dial again after a while, unless that is under way or something else is. */
  #ensure(): void {
    if (this.over || this.#redial !== undefined || this.#attempts.size > 0) return;
    const { configuration, random } = this.world;
    const most = Math.max(
      configuration.resume?.backoffMs ?? 0,
      Math.min(MOST_BACKOFF_MS, this.#failures * 50),
    );
    const backoffMs = random.int(0, most * 1_024) / 1_024;
    this.#failures++;
    const awayMs = this.world.healing ? 0 : this.#awayMs;
    this.#awayMs = 0;
    const redial = this.machine.schedule(() => {
      if (this.#redial !== redial) return;
      this.#redial = undefined;
      if (!this.over && this.#attempts.size === 0) this.dial();
    }, backoffMs + awayMs);
    this.#redial = redial;
  }

  /** Dial now, if it waits to do so: it may have waited for longer than it should. */
  hurry(): void {
    this.#awayMs = 0;
    if (this.#redial === undefined || this.over) return;
    this.world.clock.cancel(this.#redial);
    this.#redial = undefined;
    this.#ensure();
  }

  /** Move to another connection. @returns the attempt; `undefined` when the session cannot move now. */
  move(): Attempt | undefined {
    const { carrier } = this;
    if (this.ticket === undefined || carrier === undefined || this.app.refused) return undefined;
    if (carrier.connection.state !== "open" && carrier.connection.state !== "resuming") return undefined;
    return this.dial(true);
  }

  /** Dial once more although an attempt to carry on the session is not answered. */
  duplicate(): Attempt | undefined {
    const { size } = this.#attempts;
    if (this.ticket === undefined || this.carrier !== undefined || size === 0 || size > 2) return undefined;
    return this.dial();
  }

  /** Close the session in order, or with an error. */
  close(code: ErrorName): void {
    const { carrier } = this;
    if (carrier === undefined || !this.app.connected) return;
    this.over = true;
    this.#stopExpiry();
    carrier.connection.close(code, "Closed by the workload");
    carrier.host.settle();
    this.app.end(code === "ERR_NONE" ? undefined : new WireError(code, "Closed by the workload"));
    for (const attempt of [...this.#attempts]) if (attempt !== carrier) attempt.abandon();
  }

  /** The server takes no new streams: what is open goes on, and ends with its connection. */
  leave(): void {
    this.ticket = undefined;
  }
}

function isFull({ mux: { outbox } }: Application): boolean {
  return outbox.queuedBytes > 0 && outbox.limit - outbox.sent < 1_024;
}
