import { randomBytes } from "node:crypto";
import { chmodSync, readlinkSync, symlinkSync, unlinkSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { type IpcPlace, makeFolder } from "./ipc-path.ts";

// The file of a name is a link to a socket with a name that is never used again:
//
//     web.sock -> ~5f0c9a81b2e4      the link is made last, when the socket listens already
//
// Making a link fails when one is there, so of several that start at once exactly one has the name. A link whose socket
// refuses is left from a process that has died, since whoever ends in order takes the link away first. To remove it,
// one must have removed the dead socket: that succeeds once for each socket, so nobody takes away the link that another
// one has made meanwhile. Who dies in between leaves a link to nothing; after a while somebody puts a plain file where
// the socket was (which succeeds once, too), and that is as dead as it.

type SocketPlace = IpcPlace & { readonly kind: "socket" };

/** Lets go of a name. Call it before the server closes. */
export type Withdraw = () => void;

const SOCKET_MODE = 0o600;
const TARGET = /^~[0-9a-f]{12}$/;
const PAUSE_MS = 10;
/** Who is about to remove a dead link has this long to do it, ms. */
const PATIENCE_MS = 1_000;

/**
 * Have a place that only this user can reach, and take over what a dead process has left there.
 * @param listen - listens on the path of a Unix socket; resolves when it does
 * @throws {Error} when another process listens there, or the folder is not private. `listen` may have been called then.
 */
export async function claimPlace(
  { folder, path, userId }: SocketPlace,
  listen: (path: string) => Promise<void> | void,
): Promise<Withdraw> {
  makeFolder(folder, userId);
  const target = `~${randomBytes(6).toString("hex")}`;
  const socket = join(folder, target);
  await listen(socket);
  try {
    chmodSync(socket, SOCKET_MODE);
    await publish(target, folder, path);
  } catch (error) {
    removeOnce(socket);
    throw error;
  }
  return () => {
    if (readLink(path) === target) unlinkSync(path);
    removeOnce(socket); // which some runtimes do themselves when they close it
  };
}

/** Make the link. @throws {Error} when another one stays. */
async function publish(target: string, folder: string, path: string): Promise<void> {
  let gone: { readonly target: string; readonly since: number } | undefined;
  for (;;) {
    if (tryTo(() => symlinkSync(target, path), "EEXIST")) return;
    const other = readLink(path);
    if (other === undefined) continue;
    if (!TARGET.test(other)) throw new Error(`${path} is a link to ${other}, which is not of this package`);
    const state = await probe(join(folder, other));
    if (state === "listening") throw new Error(`a process is already listening at ${path}`);
    if (state === "dead") {
      if (removeOnce(join(folder, other)) && readLink(path) === other) unlinkSync(path);
      continue;
    }
    if (gone?.target !== other) gone = { target: other, since: performance.now() };
    if (performance.now() - gone.since > PATIENCE_MS)
      tryTo(() => writeFileSync(join(folder, other), "", { flag: "wx", mode: SOCKET_MODE }), "EEXIST");
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
}

/** @returns whether this call has removed the file. */
function removeOnce(path: string): boolean {
  return tryTo(() => unlinkSync(path), "ENOENT");
}

/** @returns where the link leads; `undefined` when it is not there. @throws {Error} when it is no link. */
function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return undefined;
    if (code === "EINVAL") throw new Error(`${path} is in the way: it is not of this package`);
    throw error;
  }
}

/** Whether a process listens on a socket. */
function probe(path: string): Promise<"listening" | "dead" | "gone"> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve("listening");
    });
    socket.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ECONNREFUSED" || error.code === "ENOTSOCK") resolve("dead");
      // Deno resets what it has not accepted when it closes.
      else if (error.code === "ENOENT" || error.code === "ECONNRESET") resolve("gone");
      else if (error.code === "EAGAIN")
        resolve("listening"); // so many wait already
      else reject(error);
    });
  });
}

/** @returns false when `run` fails with `code`. */
function tryTo(run: () => void, code: string): boolean {
  try {
    run();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === code) return false;
    throw error;
  }
}
