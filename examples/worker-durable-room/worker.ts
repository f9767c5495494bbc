import { DurableSessions, implement } from "tideway/workers";
import { api } from "./contract.ts";
import { Room } from "./room.ts";

/** What wrangler.toml binds. */
interface Env {
  readonly ROOMS: {
    idFromName(name: string): unknown;
    get(id: unknown): { fetch(request: Request): Promise<Response> };
  };
}

/** One room, in one place of the world: all its members come to the same object. */
export class RoomObject {
  readonly #room = new Room();
  readonly #sessions = new DurableSessions({
    origins: "*",
    // Nobody has to prove anything here: the credentials are a name.
    authenticate: ({ token }) => new TextDecoder().decode(token),
    services: [
      implement(api, {
        join: (lines, { principal }) => this.#room.join(String(principal || "somebody"), lines),
      }),
    ],
  });

  fetch(request: Request): Response {
    return this.#sessions.fetch(request);
  }
}

export default {
  fetch(request: Request, { ROOMS }: Env): Response | Promise<Response> {
    const room = /^\/rooms\/([a-z0-9-]{1,32})$/.exec(new URL(request.url).pathname)?.[1];
    if (room === undefined) return new Response("Rooms are at /rooms/<name>\n", { status: 404 });
    return ROOMS.get(ROOMS.idFromName(room)).fetch(request);
  },
};
