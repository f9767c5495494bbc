import type { Bytes } from "../core/bytes.ts";
import type { ResumeRequest } from "../core/connection/connection-options.ts";
import { StateError, TransportError, WireError } from "../core/errors.ts";
import type { SessionEvent } from "../core/events.ts";
import type { Hello } from "../core/wire/hello.ts";
import { type BackoffOptions, backoffMs } from "./backoff.ts";
import { boundedAttempt } from "./bounded-attempt.ts";
import type { ConnectOptions } from "./connect.ts";
import { asWireError, type Dialed, dialFirst, type Route, resolveToken, untilAborted } from "./dialing.ts";
import { handshake } from "./handshake.ts";
import type { Link, LinkOptions } from "./link.ts";
import type { ResolvedOptions } from "./options.ts";
import type { Session } from "./session.ts";

/** The default of {@link ConnectOptions.upgradeMs}, and the longest time between two attempts, ms. */
const DEFAULT_UPGRADE_MS = 30_000;
const MOST_UPGRADE_MS = 600_000;

/** What a client carries its session on with. */
export interface Ticket {
  readonly sessionId: Bytes;
  readonly resumeToken: Bytes;
  /** How long after a loss it is good, ms. */
  readonly resumeMs: number;
}

/** What a move needs of the one that keeps the session connected. */
export interface Home {
  readonly session: Session;
  readonly route: Route;
  readonly options: ConnectOptions;
  readonly resolved: ResolvedOptions;
  readonly backoff: BackoffOptions | undefined;
  readonly ticket: Ticket | undefined;
  readonly leaving: Link | undefined;
  readonly isClosed: boolean;
  common(token: Bytes | undefined): LinkOptions;
  request(ticket: Ticket): ResumeRequest;
  keep(hello: Hello, index: number): void;
  noteToken(link: Link | undefined): void;
  hear(link: Link, event: SessionEvent): void;
  lost(error: WireError, resumable: boolean): void;
  sleep(ms: number): Promise<void>;
}

/** Moves a client's session from one connection to another one while the first one works, or may. */
export class Mover {
  readonly #home: Home;
  /** A move is under way. */
  moving = false;
  /** Place of the dial that opened the current connection. */
  dialed = 0;
  #upgrades = 0;
  #upgrade: unknown;

  constructor(home: Home) {
    this.#home = home;
  }

  /** A connection is open. @param index - place of its dial */
  opened(index: number): void {
    this.dialed = index;
    this.#planUpgrade();
  }

  /** No upgrade is tried: the session is over, or has moved. */
  stop(): void {
    this.#home.resolved.clock.cancel(this.#upgrade);
  }

  /** Move to a transport that is open already. See {@link Session.migrate}. */
  async migrate(dialed: Dialed): Promise<void> {
    const { transport } = dialed;
    try {
      this.#assertMovable();
    } catch (error) {
      transport.close(1_000, "");
      throw error;
    }
    this.moving = true;
    try {
      await boundedAttempt(this.#home, async (signal) => {
        const token = await untilAborted(resolveToken(this.#home.options.auth), signal);
        await this.#takeOver(dialed, token, signal);
      });
    } catch (error) {
      transport.close(1_000, "");
      throw asWireError(error);
    } finally {
      this.moving = false;
      this.#recover();
    }
  }

  #assertMovable(): void {
    const { state } = this.#home.session;
    if (this.moving) throw new StateError("Cannot migrate session: it moves already");
    if (state !== "open") throw new StateError(`Cannot migrate session: it is ${state}`);
    const kept = this.#home.ticket !== undefined && !this.#home.session.mux.told.overflowed;
    if (!kept || this.#home.leaving !== undefined)
      throw new StateError("Cannot migrate session: its server does not keep it");
  }

  async #takeOver(dialed: Dialed, token: Bytes | undefined, signal: AbortSignal): Promise<void> {
    const { session } = this.#home;
    const ticket = this.#home.ticket as Ticket;
    const before = session.link;
    let link: Link | undefined;
    const claim = () => {
      session.link?.connection.supersede();
      session.attach(link as Link);
    };
    const options = { ...this.#home.common(token), resume: { ...this.#home.request(ticket), claim } };
    try {
      await handshake(dialed, this.#home.resolved, options, signal, {
        started: (started) => {
          link = started;
        },
        opened: (opened, { hello, resumed }) => {
          if (!resumed) return opened.connection.close();
          this.#home.keep(hello, dialed.index);
          session.migrated(before?.transport);
          if (session.state !== "open") session.opened({ resumed: true, reason: "migrated" });
        },
        event: (from, event) => this.#home.hear(from, event),
      });
    } catch (error) {
      this.#home.noteToken(link);
      throw error;
    }
    if (session.link !== link)
      throw new WireError("ERR_SESSION_UNKNOWN", "Cannot migrate session: its server does not know it");
  }

  /** After a move that did not work: when the connection it should have replaced is gone too, look for another one. */
  #recover(): void {
    const { session } = this.#home;
    const { state } = session.link?.connection ?? { state: "closed" };
    if (session.state === "closed" || (session.state === "open" && state === "open")) return;
    this.#home.lost(
      session.error ?? new TransportError("Connection was lost while the session moved"),
      !session.mux.over,
    );
  }

  /** Nothing comes back over the connection: look for another one while it is there, by another way first. */
  async escape(link: Link): Promise<void> {
    const { counters } = link.connection;
    const { recordsReceived } = counters;
    const places = [...this.#home.route.dials.keys()].filter((index) => index !== this.dialed);
    for (
      let tries = 0;
      this.#home.session.link === link && counters.recordsReceived === recordsReceived;
      tries++
    ) {
      if (link.connection.state !== "open" || (await this.#redial([...places, this.dialed]))) return;
      await this.#home.sleep(backoffMs(tries, Math.random(), this.#home.backoff));
      if (this.#home.isClosed) return;
    }
  }

  /** @returns whether the session has moved to a transport that one of these dials has opened. */
  async #redial(order: readonly number[]): Promise<boolean> {
    try {
      this.#assertMovable();
      let dialed: Dialed | undefined;
      await boundedAttempt(this.#home, async (signal) => {
        dialed = await dialFirst(this.#home.route.dials, order, signal, this.#home.resolved.clock);
      });
      if (dialed !== undefined) await this.migrate(dialed);
      return true;
    } catch {
      return false;
    }
  }

  /** Try the dials that come before the one that works, now and then. */
  #planUpgrade(): void {
    const { clock } = this.#home.resolved;
    this.stop();
    if (this.dialed === 0) this.#upgrades = 0;
    if (this.dialed === 0 || this.#home.ticket === undefined) return;
    const { upgradeMs = DEFAULT_UPGRADE_MS } = this.#home.options;
    this.#upgrade = clock.schedule(
      () => {
        this.#upgrades++;
        void this.#redial([...this.#home.route.dials.keys()].slice(0, this.dialed)).then((moved) => {
          if (!moved && !this.#home.isClosed) this.#planUpgrade();
        });
      },
      Math.min(upgradeMs * 2 ** this.#upgrades, MOST_UPGRADE_MS),
    );
  }
}
