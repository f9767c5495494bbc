import type { Server } from "node:net";
import { claimPlace, type Withdraw } from "../ipc/claim-place.ts";
import type { IpcPlace } from "../ipc/ipc-path.ts";
import { BACKLOG } from "./listener.ts";

/** Listen on a path, which may be a pipe of Windows. */
export function listenOnPath(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ path, backlog: BACKLOG }, () => {
      server.removeListener("error", reject);
      resolve();
    });
  });
}

/**
 * Listen at a place that only this user can reach, and take over what a dead process has left there.
 * @throws {Error} when another process listens there, or the folder is not private. The server may listen then.
 */
export function listenOnIpc(
  server: Server,
  place: IpcPlace & { readonly kind: "socket" },
): Promise<Withdraw> {
  return claimPlace(place, (path) => listenOnPath(server, path));
}
