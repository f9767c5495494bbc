// A Worker with a Durable Object that serves sessions; /plain is served by the Worker itself.
import { DurableSessions, handleUpgrade } from "tideway/workers";
import { SERVER_OPTIONS } from "../suite/peer.ts";

interface Env {
  readonly PEER: {
    idFromName(name: string): unknown;
    get(id: unknown): { fetch(request: Request): Promise<Response> };
  };
}

/** The Durable Object. */
export class Peer {
  readonly #sessions = new DurableSessions(SERVER_OPTIONS);

  async fetch(request: Request): Promise<Response> {
    if (new URL(request.url).pathname !== "/close") return this.#sessions.fetch(request);
    await this.#sessions.close({ drainMs: 0 });
    return new Response(`CLOSED ${this.#sessions.connections} ${this.#sessions.sessions.size}`);
  }
}

export default {
  fetch(request: Request, { PEER }: Env): Response | Promise<Response> {
    if (new URL(request.url).pathname === "/plain") return handleUpgrade(request, SERVER_OPTIONS);
    return PEER.get(PEER.idFromName("peer")).fetch(request);
  },
};
