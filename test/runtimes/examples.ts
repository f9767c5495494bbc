import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { client, connect, type Session } from "tideway/node";
import { api as pollApi } from "../../examples/bun-server/contract.ts";
import { api as clockApi } from "../../examples/deno-server/contract.ts";
import { api as nginxApi } from "../../examples/node-behind-nginx/contract.ts";
import { api as roomApi } from "../../examples/worker-durable-room/contract.ts";
import { ROOT } from "../../scripts/paths.mjs";
import { bundle } from "./bundles.ts";
import type { Binaries } from "./install.ts";
import { type Command, type RunningServer, startServer } from "./processes.ts";
import { type Check, check } from "./refusals.ts";
import { equal, until } from "./suite/assert.ts";

const NGINX = "/usr/sbin/nginx";
const LOCAL = "ws://127.0.0.1:0/";

/** Start each example and call it. */
export async function checkExamples(binaries: Binaries): Promise<Check[]> {
  const { node, deno, bun } = binaries;
  const denoServer = await bundle("examples/deno-server/main.ts", "deno");
  const bunServer = await bundle("examples/bun-server/main.ts", "bun");
  const worker = await bundle("examples/worker-durable-room/worker.ts", "workerd");
  const behindNginx = await bundle("examples/node-behind-nginx/main.ts", "node");
  const denoCommand: Command = [deno, "run", "--allow-net", "--no-lock", "--no-config", denoServer];
  const workerServer = join(ROOT, "test/runtimes/programs/worker-server.mjs");
  return [
    await check("examples/deno-server", () =>
      withServer([...denoCommand, LOCAL, "tcp://127.0.0.1:0"], "SIGTERM", callClock),
    ),
    await check("examples/bun-server", () => withServer([bun, bunServer, LOCAL], "SIGTERM", callPoll)),
    await check("examples/worker-durable-room", () =>
      withServer([node, workerServer, worker, "ROOMS=RoomObject"], undefined, callRooms),
    ),
    await check("examples/node-behind-nginx", () =>
      withServer([node, behindNginx, "ws://127.0.0.1:0/tideway"], "SIGTERM", callThroughNginx),
    ),
  ];
}

async function withServer(
  command: Command,
  signal: "SIGTERM" | undefined,
  call: (urls: readonly string[]) => Promise<void>,
): Promise<void> {
  const server: RunningServer = await startServer(command);
  try {
    await call(server.urls);
  } finally {
    await server.stop(signal);
  }
}

async function withSessions(
  urls: readonly string[],
  auth: readonly string[],
  use: (...sessions: Session[]) => Promise<void>,
): Promise<void> {
  const sessions: Session[] = [];
  try {
    for (const [i, url] of urls.entries()) {
      const reconnect = { minMs: 10, maxMs: 100 };
      sessions.push(await connect(url, { reconnect, ...(auth[i] === undefined ? {} : { auth: auth[i] }) }));
    }
    await use(...sessions);
  } finally {
    for (const session of sessions) await session.close();
  }
}

async function callClock(urls: readonly string[]): Promise<void> {
  equal(urls.length, 2, "addresses");
  await withSessions(urls, [], async (...sessions) => {
    for (const session of sessions) {
      const calls = client(session, clockApi);
      equal(await calls.greet("Ada"), "Hello Ada, this is Deno");
      let ticks = 0;
      for await (const time of calls.clock({ everyMs: 5 })) {
        if (Number.isNaN(Date.parse(time))) throw new Error(`Got ${time}`);
        if (++ticks === 3) break;
      }
    }
  });
}

async function callPoll(urls: readonly string[]): Promise<void> {
  const [url = ""] = urls;
  await withSessions([url, url], [], async (a, b) => {
    const watching = client(b as Session, pollApi).results();
    equal(await watching.receive(), {});
    const calls = client(a as Session, pollApi);
    equal([await calls.vote("tea"), await calls.vote("tea"), await calls.vote("coffee")], [1, 2, 1]);
    let last: unknown;
    await until(async () => {
      last = await watching.receive();
      return JSON.stringify(last) === JSON.stringify({ tea: 2, coffee: 1 });
    });
    watching.cancel();
  });
}

async function callRooms(urls: readonly string[]): Promise<void> {
  const room = (name: string) => new URL(`/rooms/${name}`, urls[0]).href;
  await withSessions([room("a"), room("a"), room("b")], ["Ada", "Bob", "Eve"], async (...sessions) => {
    const [ada, bob, eve] = sessions.map((session) => client(session, roomApi).join());
    if (ada === undefined || bob === undefined || eve === undefined) throw new Error("Nobody came");
    equal(await ada.receive(), { kind: "welcome", members: 1 });
    equal(await bob.receive(), { kind: "welcome", members: 2 });
    equal(await eve.receive(), { kind: "welcome", members: 1 });
    await ada.send("Hello");
    for (const member of [ada, bob])
      equal(await member.receive(), { kind: "line", from: "Ada", text: "Hello" });
    await eve.send("Alone");
    equal(await eve.receive(), { kind: "line", from: "Eve", text: "Alone" });
    for (const member of [ada, bob, eve]) {
      member.end();
      equal(await member.receive(), undefined);
    }
  });
}

async function callThroughNginx(urls: readonly string[]): Promise<void> {
  ensureNginx();
  const folder = mkdtempSync(join(tmpdir(), "tideway-nginx-"));
  const port = await freePort();
  const upstream = new URL(urls[0] ?? "");
  const text = readFileSync(join(ROOT, "examples/node-behind-nginx/nginx.conf"), "utf8");
  writeFileSync(
    join(folder, "nginx.conf"),
    text.replaceAll("@PORT@", String(port)).replaceAll("@UPSTREAM@", upstream.host),
  );
  let nginx = await startNginx(folder, port);
  try {
    await withSessions([`ws://127.0.0.1:${port}/tideway`], [], async (session) => {
      const calls = client(session as Session, nginxApi);
      equal(await calls.add([1, 2]), 3);
      const echo = calls.echo();
      const large = "ü".repeat(1_000_000);
      await echo.send(large);
      if ((await echo.receive()) !== large) throw new Error("The echo differs");
      await stop(nginx);
      const sent = echo.send("again");
      nginx = await startNginx(folder, port);
      await sent;
      equal(await echo.receive(), "again");
      equal(session?.stats().resumes, 1, "resumes");
      echo.end();
      equal(await echo.receive(), undefined);
    });
  } finally {
    await stop(nginx);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @throws {Error} when there is no nginx and it cannot be installed. */
function ensureNginx(): void {
  if (existsSync(NGINX)) return;
  if (process.getuid?.() !== 0 || !existsSync("/etc/debian_version"))
    throw new Error(`Cannot find ${NGINX}: install nginx`);
  console.log("No nginx found: installing Debian's nginx-light");
  // Installing starts the service, which a container may refuse, and which nobody needs here.
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" };
  for (const args of [["update"], ["install", "-y", "--no-install-recommends", "nginx-light"]])
    spawnSync("apt-get", ["-qq", ...args], { stdio: ["ignore", "ignore", "inherit"], env });
  if (!existsSync(NGINX)) throw new Error("Cannot install nginx-light");
}

async function startNginx(folder: string, port: number): Promise<ChildProcess> {
  const child = spawn(NGINX, ["-p", folder, "-c", "nginx.conf"], { stdio: ["ignore", "ignore", "pipe"] });
  let output = "";
  child.stderr?.on("data", (chunk) => {
    output += chunk;
  });
  await until(async () => {
    if (child.exitCode !== null) throw new Error(`nginx ended:\n${output}`);
    return fetch(`http://127.0.0.1:${port}/`).then(
      () => true,
      () => false,
    );
  });
  return child;
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  await ended;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === "object" && address !== null ? address.port : 0;
}
