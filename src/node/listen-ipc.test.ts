import { type ChildProcess, spawn } from "node:child_process";
import {
  chmodSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { bundleForNode } from "../../scripts/bundle.mjs";
import { CACHE, ROOT } from "../../scripts/paths.mjs";
import { failure, until } from "../../test/sessions.ts";
import { TransportError } from "../index.ts";
import { connect } from "./dial.ts";
import { type Server, serve } from "./serve.ts";

const cleanups: (() => unknown)[] = [];
let parent = "";
let folder = "";
let runtimeFolder: string | undefined;

beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), "tideway-ipc-"));
  folder = join(parent, `tideway-${process.getuid?.()}`);
  runtimeFolder = process.env["XDG_RUNTIME_DIR"];
  process.env["XDG_RUNTIME_DIR"] = parent;
});

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  if (runtimeFolder === undefined) delete process.env["XDG_RUNTIME_DIR"];
  else process.env["XDG_RUNTIME_DIR"] = runtimeFolder;
  rmSync(parent, { recursive: true });
});

async function listen(...names: string[]): Promise<Server> {
  const server = await serve({ listen: names.map((name) => `ipc:${name}`) });
  cleanups.push(() => server.close({ drainMs: 0 }));
  return server;
}

/** Whether a client finds a server. */
async function answers(name: string): Promise<boolean> {
  try {
    await (await connect(`ipc:${name}`, { reconnect: false })).close();
    return true;
  } catch {
    return false;
  }
}

/** What a process that died has left behind: a link to a socket on which nobody listens. */
async function leaveStale(name: string): Promise<string> {
  mkdirSync(folder, { mode: 0o700, recursive: true });
  const target = "~0123456789ab";
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(join(folder, "open"), resolve));
  // The name that it unlinks is another one: the file stays.
  linkSync(join(folder, "open"), join(folder, target));
  await new Promise((resolve) => server.close(resolve));
  symlinkSync(target, join(folder, `${name}.sock`));
  return target;
}

const modeOf = (path: string): number => statSync(path).mode & 0o777;

describe("listening on IPC", () => {
  test("a name is a socket of mode 0600 in a folder of mode 0700, and goes with its server", async () => {
    const umask = process.umask(0);
    const server = await listen("web", "other").finally(() => process.umask(umask));
    expect(server.urls).toEqual(["ipc:web", "ipc:other"]);
    expect(modeOf(folder)).toBe(0o700);
    for (const name of ["web", "other"]) {
      const path = join(folder, `${name}.sock`);
      expect([statSync(path).isSocket(), modeOf(path)]).toEqual([true, 0o600]);
      expect(lstatSync(path).isSymbolicLink()).toBe(true);
      expect(readlinkSync(path)).toMatch(/^~[0-9a-f]{12}$/);
      expect(await answers(name)).toBe(true);
    }
    await server.close();
    expect(readdirSync(folder)).toEqual([]);
  });

  test("a name that is taken is refused, and stays its owner's", async () => {
    await listen("web");
    const before = readdirSync(folder);
    const error = await failure(serve({ listen: ["ipc:web"] }));
    expect(error).toBeInstanceOf(TransportError);
    expect((error as Error).message).toBe(
      `Cannot listen on ipc:web: a process is already listening at ${join(folder, "web.sock")}`,
    );
    expect(readdirSync(folder)).toEqual(before);
    expect(await answers("web")).toBe(true);
  });

  test("a folder that others may enter, or a link, is refused by both sides", async () => {
    const server = await listen("web");
    const path = join(parent, "elsewhere");
    for (const spoil of [
      () => chmodSync(folder, 0o755),
      () => {
        chmodSync(folder, 0o700);
        symlinkSync(folder, path);
        process.env["XDG_RUNTIME_DIR"] = join(parent, "second");
        mkdirSync(join(parent, "second"));
        symlinkSync(folder, join(parent, "second", `tideway-${process.getuid?.()}`));
      },
    ]) {
      spoil();
      for (const attempt of [serve({ listen: ["ipc:x"] }), connect("ipc:web", { reconnect: false })])
        expect(((await failure(attempt)) as Error).message).toMatch(
          /^Cannot (listen on|connect to) ipc:\w+: \/.*\/tideway-\d+ is not safe: it/,
        );
    }
    process.env["XDG_RUNTIME_DIR"] = parent;
    expect(server.urls).toEqual(["ipc:web"]);
  });

  test("a path that is too long is told with its length", async () => {
    process.env["XDG_RUNTIME_DIR"] = `/tmp/${"x".repeat(100)}`;
    for (const attempt of [serve({ listen: ["ipc:web"] }), connect("ipc:web", { reconnect: false })])
      expect(await failure(attempt)).toMatchObject({
        message: expect.stringMatching(/^Cannot .* ipc:web: \/tmp\/x+\/tideway-\d+\/web.sock has \d+ bytes/),
      });
    process.env["XDG_RUNTIME_DIR"] = parent;
  });

  test("nobody at a name is told so", async () => {
    await listen("web");
    expect(await failure(connect("ipc:nobody", { reconnect: false }))).toMatchObject({
      name: "TransportError",
      message: expect.stringMatching(/^Cannot connect to ipc:nobody: .*ENOENT/),
    });
  });
});

describe("taking over an IPC name", () => {
  test("a socket on which nobody listens is replaced", async () => {
    const target = await leaveStale("web");
    expect(await answers("web")).toBe(false);
    await listen("web");
    expect(await answers("web")).toBe(true);
    expect(existsSync(join(folder, target))).toBe(false);
    expect(readdirSync(folder).length).toBe(2);
  });

  test("a link to nothing is replaced after a while", async () => {
    unlinkSync(join(folder, await leaveStale("web")));
    await listen("web");
    expect(await answers("web")).toBe(true);
    expect(readdirSync(folder).length).toBe(2);
  });

  test("of many that take over at once, exactly one listens", async () => {
    for (const prepare of [
      leaveStale,
      async (name: string) => unlinkSync(join(folder, await leaveStale(name))),
    ]) {
      await prepare("web");
      const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => listen("web")));
      const won = outcomes.filter(({ status }) => status === "fulfilled");
      expect(won.length).toBe(1);
      for (const outcome of outcomes)
        if (outcome.status === "rejected") expect(String(outcome.reason)).toContain("already listening");
      expect(await answers("web")).toBe(true);
      expect(readdirSync(folder).length).toBe(2);
      for (const cleanup of cleanups.splice(0)) await cleanup();
      expect(readdirSync(folder)).toEqual([]);
    }
  });

  test("what is not of this package is left alone", async () => {
    await listen("other");
    const path = join(folder, "web.sock");
    writeFileSync(path, "mine");
    expect(await failure(serve({ listen: ["ipc:web"] }))).toMatchObject({
      message: `Cannot listen on ipc:web: ${path} is in the way: it is not of this package`,
    });
    unlinkSync(path);
    symlinkSync("../precious", path);
    expect(await failure(serve({ listen: ["ipc:web"] }))).toMatchObject({
      message: `Cannot listen on ipc:web: ${path} is a link to ../precious, which is not of this package`,
    });
    expect(readlinkSync(path)).toBe("../precious");
  });

  test("a server that closes leaves the link of another one", async () => {
    const server = await listen("web");
    const path = join(folder, "web.sock");
    unlinkSync(path);
    symlinkSync("~000000000000", path);
    await server.close();
    expect(readlinkSync(path)).toBe("~000000000000");
  });
});

describe("named pipes of Windows", () => {
  const { platform } = process;
  const cwd = process.cwd();
  beforeEach(() => {
    Object.defineProperty(process, "platform", { value: "win32" });
    process.chdir(parent); // Linux makes a socket of this name here
  });
  afterEach(() => {
    process.chdir(cwd);
    Object.defineProperty(process, "platform", { value: platform });
  });

  test("are listened on and dialed by name, without a folder or a link", async () => {
    const server = await listen("web");
    expect(server.urls).toEqual(["ipc:web"]);
    expect(readdirSync(parent)).toEqual(["\\\\.\\pipe\\tideway-web"]);
    expect(await answers("web")).toBe(true);
    expect(await failure(serve({ listen: ["ipc:web"] }))).toMatchObject({
      name: "TransportError",
      message: expect.stringMatching(/^Cannot listen on ipc:web: .*EADDRINUSE/),
    });
    expect(await failure(connect("ipc:nobody", { reconnect: false }))).toMatchObject({
      message: expect.stringMatching(
        /^Cannot connect to ipc:nobody: connect ENOENT \\\\\.\\pipe\\tideway-nobody/,
      ),
    });
    await server.close();
    expect(readdirSync(parent)).toEqual([]);
  });
});

describe("processes", () => {
  const bundle = join(CACHE, `ipc-starter-${process.pid}.mjs`);
  beforeAll(() => bundleForNode(join(ROOT, "test/ipc-starter.ts"), bundle));
  afterAll(() => rmSync(bundle, { force: true }));

  interface Started {
    readonly child: ChildProcess;
    readonly outcome: Promise<{ won?: string; lost?: string }>;
  }

  function start(name: string, at: number): Started {
    const child = spawn(process.execPath, [bundle, name, String(at)], { stdio: ["pipe", "pipe", "inherit"] });
    cleanups.push(() => child.kill("SIGKILL"));
    const outcome = new Promise<{ won?: string; lost?: string }>((resolve) => {
      createInterface(child.stdout as NonNullable<typeof child.stdout>).once("line", (line) =>
        resolve(JSON.parse(line) as { won?: string; lost?: string }),
      );
    });
    return { child, outcome };
  }

  /** Two that start at the same instant. @returns the one that listens */
  async function race(name: string): Promise<ChildProcess> {
    const at = Date.now() + 1_000;
    const both = [start(name, at), start(name, at)];
    const outcomes = await Promise.all(both.map(({ outcome }) => outcome));
    expect(outcomes.filter(({ won }) => won === `ipc:${name}`).length).toBe(1);
    expect(outcomes.find(({ lost }) => lost !== undefined)?.lost).toBe(
      `Cannot listen on ipc:${name}: a process is already listening at ${join(folder, `${name}.sock`)}`,
    );
    expect(await answers(name)).toBe(true);
    return both[outcomes.findIndex(({ won }) => won !== undefined)]?.child as ChildProcess;
  }

  test("that start at the same instant: one listens, on a fresh name and on that of a killed one", async () => {
    for (let round = 0; round < 4; round++) {
      const winner = await race("web");
      winner.kill("SIGKILL");
      await until(() => winner.signalCode !== null);
      expect(await answers("web")).toBe(false);
      expect(readlinkSync(join(folder, "web.sock"))).toMatch(/^~/); // nobody has cleaned up
    }
    expect(readdirSync(folder).length).toBe(2);
  }, 60_000);
});
