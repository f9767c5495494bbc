import { request as httpRequest, type IncomingMessage } from "node:http";
import { connect } from "node:net";
import { ipcPlace } from "../../src/ipc/ipc-path.ts";
import { withTimeout } from "./processes.ts";

/** One thing that a server must do, and how it went. */
export interface Check {
  readonly name: string;
  /** Why it failed. */
  readonly problem?: string;
}

const HEADERS = {
  connection: "Upgrade",
  upgrade: "websocket",
  "sec-websocket-version": "13",
  "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
  "sec-websocket-protocol": "tideway.v1",
};
const ANSWER_MS = 5_000;
/** The default of `maxPendingPerAddress`. */
const PENDING = 64;

interface Answer {
  readonly status: number;
  readonly protocol: string | undefined;
  /** Let go of the connection. */
  end(): void;
}

/** Ask for an upgrade by hand. */
function ask(url: string, path: string, headers: Record<string, string>): Promise<Answer> {
  const { hostname, port } = new URL(url);
  const answer = new Promise<Answer>((resolve, reject) => {
    const request = httpRequest({ hostname, port, path, headers, agent: false });
    const settle = (response: IncomingMessage, end: () => void) =>
      resolve({
        status: response.statusCode ?? 0,
        protocol: response.headers["sec-websocket-protocol"],
        end,
      });
    request.on("error", reject);
    request.on("response", (response) => {
      response.resume();
      settle(response, () => request.destroy());
    });
    request.on("upgrade", (response, socket) => {
      socket.on("error", () => {});
      socket.resume();
      settle(response, () => socket.destroy());
    });
    request.end();
  });
  return withTimeout(answer, ANSWER_MS, () => new Error(`No answer in ${ANSWER_MS} ms`));
}

/**
 * What a WebSocket server answers to upgrade requests.
 * @param anyPath - whether it leaves paths to its caller
 */
export async function checkUpgrades(url: string, anyPath: boolean): Promise<Check[]> {
  const { pathname } = new URL(url);
  const { "sec-websocket-protocol": protocol, ...bare } = HEADERS;
  const wanted: readonly (readonly [string, string, Record<string, string>, number, string?])[] = [
    ["an upgrade names the subprotocol", pathname, HEADERS, 101, protocol],
    ["an upgrade without subprotocols gets none", pathname, bare, 101],
    ["a plain request gets 426", pathname, {}, 426],
    ["another subprotocol gets 400", pathname, { ...bare, "sec-websocket-protocol": "chat" }, 400],
    ["another host gets 403", pathname, { ...HEADERS, host: "evil.example" }, 403],
    ...(anyPath ? [] : ([["another path gets 404", "/other", HEADERS, 404]] as const)),
  ];
  const checks: Check[] = [];
  for (const [name, path, headers, status, named] of wanted) {
    checks.push(
      await check(name, async () => {
        const answer = await ask(url, path, headers);
        answer.end();
        if (answer.status !== status) throw new Error(`Got ${answer.status}`);
        if (status === 101 && answer.protocol !== named)
          throw new Error(`Got subprotocol ${answer.protocol}`);
      }),
    );
  }
  checks.push(await check("too many handshakes get 429, until some end", () => flood(url, pathname)));
  return checks;
}

async function flood(url: string, path: string): Promise<void> {
  const open: Answer[] = [];
  try {
    for (let i = 0; i <= PENDING; i++) open.push(await ask(url, path, HEADERS));
    const statuses = open.map(({ status }) => status);
    // Those of the checks before may still be closing.
    const refused = statuses.filter((status) => status !== 101);
    if (refused.length === 0 || refused.length > 4 || refused.some((status) => status !== 429))
      throw new Error(`Got ${[...new Set(statuses)].join(", ")}; ${refused.length} were refused`);
  } finally {
    for (const { end } of open) end();
  }
  const end = performance.now() + ANSWER_MS;
  for (;;) {
    const answer = await ask(url, path, HEADERS);
    answer.end();
    if (answer.status === 101) return;
    if (performance.now() > end) throw new Error("Connections that have ended are still counted");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** A client that says nothing and answers nothing. @returns what ends it. */
export async function openSilent(url: string): Promise<() => void> {
  const { protocol, hostname, port, pathname } = new URL(url);
  const socket = connect(
    protocol === "ipc:" ? { path: ipcPlace(pathname).path } : { host: hostname, port: Number(port) },
  );
  socket.on("error", () => {});
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", () => resolve());
    socket.once("error", reject);
  });
  if (protocol === "ws:") {
    const lines = Object.entries({ ...HEADERS, host: `${hostname}:${port}` }).map(
      ([key, value]) => `${key}: ${value}`,
    );
    socket.write(`GET ${pathname} HTTP/1.1\r\n${lines.join("\r\n")}\r\n\r\n`);
    await new Promise<void>((resolve) => socket.once("data", () => resolve()));
  }
  socket.pause();
  return () => socket.destroy();
}

/** Run a check. Never throws. */
export async function check(name: string, run: () => Promise<void>): Promise<Check> {
  try {
    await run();
    return { name };
  } catch (error) {
    return { name, problem: error instanceof Error ? error.message : String(error) };
  }
}
