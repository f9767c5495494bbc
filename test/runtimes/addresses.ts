import { lstatSync, readlinkSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { ipcPlace } from "../../src/ipc/ipc-path.ts";
import { makeCertificate } from "../certificate.ts";
import type { Programs, Runtime } from "./matrix.ts";
import { type RunningServer, startServer } from "./processes.ts";
import { type Check, check } from "./refusals.ts";
import { TLS_VARIABLE } from "./suite/tls.ts";

type Kind = Runtime["kind"];

/** What names of sockets and certificates promise, in one runtime. */
export async function checkAddresses(programs: Programs, kind: Kind): Promise<Check[]> {
  const label = `addresses in ${kind}`;
  return [
    await check(`${label}: a socket is private, and one server has its name`, () =>
      checkName(programs, kind),
    ),
    await check(`${label}: a name is taken over from a server that was killed`, () =>
      checkTakeover(programs, kind),
    ),
    await check(`${label}: a certificate that nobody trusts is refused`, () => checkTrust(programs, kind)),
  ];
}

async function serve(programs: Programs, kind: Kind, address: string, env = {}): Promise<RunningServer> {
  return startServer([...(await programs.command(kind, "server")), address], env);
}

async function checkName(programs: Programs, kind: Kind): Promise<void> {
  const name = `private-${kind}`;
  const server = await serve(programs, kind, `ipc:${name}`);
  const { path } = ipcPlace(name);
  const socket = join(dirname(path), readlinkSync(path));
  const modes = [statSync(dirname(path)).mode & 0o777, statSync(socket).mode & 0o777];
  if (String(modes) !== String([0o700, 0o600]))
    throw new Error(`Modes are ${modes.map((mode) => mode.toString(8))}`);
  const second = await serve(programs, kind, `ipc:${name}`).catch((error: unknown) => String(error));
  if (typeof second !== "string") await second.stop();
  if (!String(second).includes("already listening")) throw new Error(`The second server said: ${second}`);
  const third = await serve(programs, "node", `ipc:${name}`).catch((error: unknown) => String(error));
  if (typeof third !== "string") await third.stop();
  if (!String(third).includes("already listening")) throw new Error(`A server of Node said: ${third}`);
  await server.stop();
  for (const left of [path, socket]) if (exists(left)) throw new Error(`${left} is left behind`);
}

async function checkTakeover(programs: Programs, kind: Kind): Promise<void> {
  const name = `killed-${kind}`;
  const { path } = ipcPlace(name);
  await (await serve(programs, kind, `ipc:${name}`)).stop("SIGKILL");
  if (!exists(path)) throw new Error("Nothing is left to take over");
  const next = await serve(programs, kind, `ipc:${name}`);
  const last = await next.stop();
  if (last !== "CLOSED 0 0") throw new Error(`It printed ${last}`);
}

async function checkTrust(programs: Programs, kind: Kind): Promise<void> {
  for (const scheme of ["tls", "wss"]) {
    const env = { [TLS_VARIABLE]: JSON.stringify(makeCertificate()) };
    const server = await serve(programs, kind, `${scheme}://127.0.0.1:0`, env);
    try {
      const results = await programs.run({ kind }, { url: server.urls[0] ?? "" });
      const passed = results.find(({ outcome }) => outcome === "passed");
      if (passed !== undefined) throw new Error(`${scheme}: passed: ${passed.name}`);
      const calls = results.find(({ name }) => name === "unary calls");
      if (!/certificate|issuer|WebSocket failed/i.test(calls?.problem ?? ""))
        throw new Error(`${scheme}: ${calls?.problem}`);
    } finally {
      await server.stop();
    }
  }
}

function exists(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}
