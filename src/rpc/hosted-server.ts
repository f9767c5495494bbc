import type { Place } from "../session/admission.ts";
import type { Session } from "../session/session.ts";
import type { SessionStore } from "../session/store.ts";
import type { Listeners, Server, ServerCloseOptions, SessionHost } from "./host.ts";

/** How often it is looked whether the last connection is closed, ms. */
const CLOSE_CHECK_MS = 10;

/** The connections of one server, for a runtime that does not tell when the last one is closed. */
export class OpenConnections<Request> {
  readonly #host: SessionHost<Request>;
  readonly #open: Set<Place> = new Set();

  constructor(host: SessionHost<Request>) {
    this.#host = host;
  }

  /** Count a connection that was not refused; its place is left when it closes. See {@link SessionHost.enter}. */
  enter(address: string): Place {
    const { letIn, leave } = this.#host.enter(address);
    const place: Place = {
      letIn,
      leave: () => {
        this.#open.delete(place);
        leave();
      },
    };
    this.#open.add(place);
    return place;
  }

  /** Resolves when every connection is closed, or after `graceMs`. */
  async end(graceMs: number): Promise<void> {
    const { clock } = this.#host.resolved;
    const end = clock.now() + graceMs;
    while (this.#open.size > 0 && clock.now() < end)
      await new Promise<void>((resolve) => clock.schedule(resolve, CLOSE_CHECK_MS));
  }

  /** Count those that are left as closed: their runtime has cut them. */
  leaveAll(): void {
    for (const place of this.#open) place.leave();
  }
}

/** What a server shows of its sessions, whatever listens. */
export class HostedServer<Request> implements Server {
  readonly urls: readonly string[];
  readonly #host: SessionHost<Request>;
  readonly #listeners: Listeners;

  /** @param urls - is read each time: listeners may add to it */
  constructor(host: SessionHost<Request>, urls: readonly string[], listeners: Listeners) {
    this.#host = host;
    this.urls = urls;
    this.#listeners = listeners;
  }

  get sessions(): ReadonlySet<Session> {
    return this.#host.sessions;
  }

  get store(): SessionStore | undefined {
    return this.#host.store;
  }

  get connections(): number {
    return this.#host.connections;
  }

  close(options: ServerCloseOptions = {}): Promise<void> {
    return this.#host.close(options, this.#listeners);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/**
 * Listen on every address; when one cannot be had, close the server with those that could.
 * @throws what `listen` throws.
 */
export async function listenOnAll(
  server: Server,
  addresses: readonly string[],
  listen: (address: string) => Promise<void>,
): Promise<void> {
  try {
    for (const address of addresses) await listen(address);
  } catch (error) {
    await server.close({ drainMs: 0 });
    throw error;
  }
}
