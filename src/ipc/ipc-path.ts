import { Buffer } from "node:buffer";
import { type BigIntStats, lstatSync, mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { isAbsolute, posix } from "node:path";
import process from "node:process";

/** What decides where the sockets of this machine's processes are. A test brings its own. */
export interface IpcSurroundings {
  readonly platform: NodeJS.Platform;
  /** XDG_RUNTIME_DIR: the folder of the user that ends with the last login. */
  readonly runtimeFolder: string | undefined;
  readonly temporaryFolder: string;
  /** The user; `undefined` on Windows. */
  readonly userId: number | undefined;
}

/** Where `ipc:name` is: a named pipe of Windows, or a Unix socket in a folder that only its user can enter. */
export type IpcPlace =
  | { readonly kind: "pipe"; readonly path: string }
  | { readonly kind: "socket"; readonly path: string; readonly folder: string; readonly userId: number };

/** Longest path of a Unix socket, bytes: `sun_path` without the zero behind it. */
const MOST_PATH_BYTES = { linux: 107, others: 103 } as const;
const PRIVATE_MODE = 0o700;
const OTHERS_MODE = 0o077;

/** Those of this process. */
export function ipcSurroundings(): IpcSurroundings {
  return {
    platform: process.platform,
    runtimeFolder: process.env["XDG_RUNTIME_DIR"],
    temporaryFolder: tmpdir(),
    userId: process.getuid?.(),
  };
}

/**
 * Where a name is, for whoever listens and whoever dials.
 *
 *     Windows   \\.\pipe\tideway-<name>
 *     others    <folder>/<name>.sock in $XDG_RUNTIME_DIR/tideway-<uid> or <tmpdir>/tideway-<uid>
 *
 * @throws {Error} when the path is longer than a socket's may be.
 */
export function ipcPlace(name: string, surroundings: IpcSurroundings = ipcSurroundings()): IpcPlace {
  const { platform, runtimeFolder, temporaryFolder, userId } = surroundings;
  if (platform === "win32" || userId === undefined)
    return { kind: "pipe", path: `\\\\.\\pipe\\tideway-${name}` };
  // Source: XDG Base Directory Specification: a path that is not absolute is to be ignored.
  const parent = runtimeFolder !== undefined && isAbsolute(runtimeFolder) ? runtimeFolder : temporaryFolder;
  const folder = posix.join(parent, `tideway-${userId}`);
  const path = posix.join(folder, `${name}.sock`);
  const bytes = Buffer.byteLength(path);
  const most = platform === "linux" ? MOST_PATH_BYTES.linux : MOST_PATH_BYTES.others;
  if (bytes > most) throw new Error(`${path} has ${bytes} bytes, and the path of a socket ${most} at most`);
  return { kind: "socket", path, folder, userId };
}

/**
 * Make the folder unless it is there. @throws {Error} when it is not private: see {@link checkFolder}.
 */
export function makeFolder(folder: string, userId: number): void {
  try {
    mkdirSync(folder, { mode: PRIVATE_MODE });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  checkFolder(folder, userId);
}

/**
 * Whoever else could write to the folder could put a socket of their own there, for clients as well as for servers.
 * @throws {Error} unless it is a folder of this user that nobody else may enter.
 */
export function checkFolder(folder: string, userId: number): void {
  const stats = lstatSync(folder, { bigint: true });
  const problem = folderProblem(stats, userId);
  if (problem !== undefined) throw new Error(`${folder} is not safe: ${problem}`);
}

function folderProblem(stats: BigIntStats, userId: number): string | undefined {
  if (stats.isSymbolicLink()) return "it is a link";
  if (!stats.isDirectory()) return "it is no folder";
  if (stats.uid !== BigInt(userId)) return `it belongs to user ${stats.uid}, expected ${userId}`;
  const mode = Number(stats.mode) & 0o777;
  return (mode & OTHERS_MODE) === 0 ? undefined : `its mode is 0${mode.toString(8)}, expected 0700`;
}

/**
 * Where to dial a name. @throws {Error} when another user could have put a socket there.
 */
export function ipcDialPath(name: string): string {
  const place = ipcPlace(name);
  if (place.kind === "socket") checkFolder(place.folder, place.userId);
  return place.path;
}
