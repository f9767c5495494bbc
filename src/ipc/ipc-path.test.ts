import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { checkFolder, type IpcSurroundings, ipcPlace, ipcSurroundings, makeFolder } from "./ipc-path.ts";

const LINUX: IpcSurroundings = {
  platform: "linux",
  runtimeFolder: "/run/user/1000",
  temporaryFolder: "/tmp",
  userId: 1000,
};
const WINDOWS: IpcSurroundings = {
  platform: "win32",
  runtimeFolder: undefined,
  temporaryFolder: "C:\\Temp",
  userId: undefined,
};

describe("ipcPlace()", () => {
  test("is in the user's runtime folder", () => {
    expect(ipcPlace("web", LINUX)).toEqual({
      kind: "socket",
      path: "/run/user/1000/tideway-1000/web.sock",
      folder: "/run/user/1000/tideway-1000",
      userId: 1000,
    });
  });

  test.each([undefined, "", "relative/folder"])(
    "is in the temporary folder when XDG_RUNTIME_DIR is %j",
    (runtimeFolder) => {
      expect(ipcPlace("web", { ...LINUX, runtimeFolder }).path).toBe("/tmp/tideway-1000/web.sock");
    },
  );

  test("is a named pipe on Windows, whatever the folders are", () => {
    expect(ipcPlace("web", WINDOWS)).toEqual({ kind: "pipe", path: "\\\\.\\pipe\\tideway-web" });
    expect(ipcPlace("web", { ...WINDOWS, runtimeFolder: "/run" }).path).toBe("\\\\.\\pipe\\tideway-web");
    const longest = "x".repeat(64);
    expect(ipcPlace(longest, WINDOWS).path).toBe(`\\\\.\\pipe\\tideway-${longest}`);
  });

  test.each([
    ["linux", 107],
    ["darwin", 103],
  ] as const)("on %s a path has %i bytes at most", (platform, most) => {
    const bytesOfRest = "/tideway-1000/web.sock".length;
    const at = (bytes: number) =>
      ipcPlace("web", { ...LINUX, platform, runtimeFolder: `/${"ü".repeat(9)}${"x".repeat(bytes - 19)}` });
    expect(Buffer.byteLength(at(most - bytesOfRest).path)).toBe(most);
    expect(() => at(most - bytesOfRest + 1)).toThrow(
      `has ${most + 1} bytes, and the path of a socket ${most} at most`,
    );
  });

  test("knows this process", () => {
    expect(ipcSurroundings()).toMatchObject({ platform: process.platform, userId: process.getuid?.() });
  });
});

describe("makeFolder()", () => {
  const userId = process.getuid?.() as number;
  let parent = "";
  let folder = "";

  beforeEach(() => {
    parent = mkdtempSync(join(tmpdir(), "tideway-folder-"));
    folder = join(parent, "private");
  });
  afterEach(() => rmSync(parent, { recursive: true }));

  test("makes a folder of mode 0700, whatever the umask is, and takes it again", () => {
    const umask = process.umask(0);
    try {
      makeFolder(folder, userId);
      makeFolder(folder, userId);
    } finally {
      process.umask(umask);
    }
    expect(statSync(folder).mode & 0o777).toBe(0o700);
  });

  test.each([0o701, 0o710, 0o704, 0o777])("refuses a folder of mode %s, and leaves it so", (mode) => {
    mkdirSync(folder);
    chmodSync(folder, mode);
    expect(() => makeFolder(folder, userId)).toThrow(
      `${folder} is not safe: its mode is 0${mode.toString(8)}, expected 0700`,
    );
    expect(statSync(folder).mode & 0o777).toBe(mode);
  });

  test("refuses a folder of another user", () => {
    makeFolder(folder, userId);
    expect(() => checkFolder(folder, userId + 1)).toThrow(
      `${folder} is not safe: it belongs to user ${userId}, expected ${userId + 1}`,
    );
  });

  test("refuses a link, even to a folder that is safe", () => {
    const other = join(parent, "other");
    makeFolder(other, userId);
    symlinkSync(other, folder);
    expect(() => makeFolder(folder, userId)).toThrow(`${folder} is not safe: it is a link`);
  });

  test("refuses a file", () => {
    writeFileSync(folder, "");
    expect(() => makeFolder(folder, userId)).toThrow(`${folder} is not safe: it is no folder`);
  });

  test("makes no folders around it", () => {
    expect(() => makeFolder(join(folder, "deep"), userId)).toThrow("ENOENT");
  });
});
