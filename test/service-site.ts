import { client, type Handlers, type ImplementOptions, implement, type MethodTree } from "../src/index.ts";
import { callsOf } from "../src/rpc/session-calls.ts";
import { openSessions, type SessionPair, until } from "./sessions.ts";

/** The service that a test offers, and the sessions through which it is called. */
export class ServiceSite {
  #sessions: SessionPair | undefined;

  /** Those of the running test. */
  get sessions(): SessionPair {
    if (this.#sessions === undefined) throw new Error("Cannot give sessions: the test opened none");
    return this.#sessions;
  }

  /** Offer `handlers`. @returns calls to them. */
  readonly open = async <M extends MethodTree>(api: M, handlers: Handlers<M>, options?: ImplementOptions) => {
    const service = implement(api, handlers, options);
    this.adopt(await openSessions({ server: { onSession: (session) => service.attach(session) } }));
    return client(this.sessions.client, api);
  };

  /** Take over sessions that the test opened by itself. */
  adopt(sessions: SessionPair): void {
    this.#sessions = sessions;
  }

  /** Close the sessions. @throws when a call or a stream does not end by itself before. */
  async close(): Promise<void> {
    const { client: caller, server } = this.sessions;
    await until(() => callsOf(server).running === 0 && callsOf(caller).waiting === 0);
    await until(() => caller.stats().streams === 0 && server.stats().streams === 0);
    await caller.close();
  }
}
