import { join } from "node:path";
import { type Browser, chromium } from "playwright";
import { ensureBrowser } from "../../scripts/browser.mjs";
import { ROOT } from "../../scripts/paths.mjs";
import { ipcPlace } from "../../src/ipc/ipc-path.ts";
import { ChaosProxy, type Fault } from "../chaos/proxy.ts";
import { bundlePrograms, type PageServer, servePages } from "../pages.ts";
import { bundle } from "./bundles.ts";
import type { Binaries } from "./install.ts";
import { type Command, type RunningServer, runProgram, startServer } from "./processes.ts";
import type { SuiteTarget } from "./suite/case.ts";
import type { CaseResult } from "./suite/run.ts";

/** What carries the sessions of a run. */
export const TRANSPORTS = ["WebSocket", "WebSocket over TLS", "TCP", "TLS", "IPC"] as const;
export type MatrixTransport = (typeof TRANSPORTS)[number];
/** Sessions between a thread and a worker that it has started, over rings in shared memory. */
export const RINGS = "Rings, with a Worker";

/** A runtime in the matrix, by the name that the table has for it. */
export interface Runtime {
  readonly name: string;
  readonly kind: "node" | "newestNode" | "deno" | "bun" | "workerd" | "plainWorker" | "chromium";
  readonly serves: readonly MatrixTransport[];
  readonly dials: readonly MatrixTransport[];
}

/** Of Node's versions, one is enough for what does not depend on it. */
const PLAIN: readonly MatrixTransport[] = ["WebSocket", "TCP"];

/** Every runtime that is tested. */
export const RUNTIMES: readonly Runtime[] = [
  {
    name: `Node ${process.versions.node.split(".")[0]}`,
    kind: "node",
    serves: TRANSPORTS,
    dials: TRANSPORTS,
  },
  { name: "Node 26", kind: "newestNode", serves: PLAIN, dials: PLAIN },
  { name: "Deno", kind: "deno", serves: TRANSPORTS, dials: TRANSPORTS },
  { name: "Bun", kind: "bun", serves: TRANSPORTS, dials: TRANSPORTS },
  { name: "Durable Object", kind: "workerd", serves: ["WebSocket"], dials: [] },
  { name: "plain Worker", kind: "plainWorker", serves: ["WebSocket"], dials: [] },
  { name: "Chromium", kind: "chromium", serves: [], dials: ["WebSocket"] },
];

/** One client against one server. */
export interface Cell {
  readonly client: string;
  readonly server: string;
  readonly transport: MatrixTransport | typeof RINGS;
  readonly results: readonly CaseResult[];
  /** Why the run could not be made, or did not end well. */
  readonly problem?: string;
}

const ADDRESSES: Readonly<Record<MatrixTransport, string>> = {
  WebSocket: "ws://127.0.0.1:0",
  "WebSocket over TLS": "wss://127.0.0.1:0",
  TCP: "tcp://127.0.0.1:0",
  TLS: "tls://127.0.0.1:0",
  IPC: "ipc:",
};
const CLIENT_MS = 180_000;

/** The cuts of the case that is about them, each on a connection of its own. */
const CUTS: readonly Fault[] = [
  { kind: "reset", direction: "serverToClient", byte: 200_000 },
  { kind: "fin", direction: "clientToServer", byte: 200_000 },
  { kind: "reset", direction: "both", byte: 300_000 },
];
const LOSS: readonly Fault[] = [{ kind: "reset", direction: "serverToClient", byte: 20_000 }];

/** The programs of the matrix, bundled. */
export class Programs {
  readonly #binaries: Binaries;
  readonly #paths: Map<string, Promise<string>> = new Map();
  #browser: Promise<Browser> | undefined;
  readonly #pages: Map<string, Promise<PageServer>> = new Map();

  constructor(binaries: Binaries) {
    this.#binaries = binaries;
  }

  #bundle(name: string, platform: Parameters<typeof bundle>[1]): Promise<string> {
    let path = this.#paths.get(name);
    path ??= bundle(`test/runtimes/programs/${name}.ts`, platform);
    this.#paths.set(name, path);
    return path;
  }

  /** How a program of `role` is run in a runtime. */
  async command(kind: Runtime["kind"], role: "server" | "client"): Promise<Command> {
    switch (kind) {
      case "node":
      case "newestNode":
        return this.commandOf(kind, await this.#bundle(`node-${role}`, "node"));
      case "deno":
      case "bun":
        return this.commandOf(kind, await this.#bundle(`${kind}-${role}`, kind));
      case "workerd":
      case "plainWorker":
        return [
          this.#binaries.node,
          join(ROOT, "test/runtimes/programs/worker-server.mjs"),
          await this.#bundle("worker", "workerd"),
        ];
      case "chromium":
        throw new Error("Cannot run a program in a page");
    }
  }

  /** How seeds of the simulator are run in a runtime. */
  async simulation(kind: Runtime["kind"]): Promise<Command> {
    return this.commandOf(kind, await this.#bundle("simulate", "node"));
  }

  /** How a peer is run that tells what it uses of its runtime: see programs/native-peer.ts. */
  async nativePeer(kind: Runtime["kind"]): Promise<Command> {
    const platform = kind === "deno" || kind === "bun" ? kind : "node";
    return this.commandOf(kind, await this.#bundle(`${platform}-native`, platform));
  }

  /** How a program is run that has been bundled. */
  commandOf(kind: Runtime["kind"], path: string): Command {
    const { node, newestNode, deno, bun } = this.#binaries;
    switch (kind) {
      case "node":
        return [node, "--enable-source-maps", path];
      case "newestNode":
        return [newestNode, "--enable-source-maps", path];
      case "deno":
        return [deno, "run", "--allow-all", "--no-lock", "--no-config", path];
      case "bun":
        return [bun, path];
      case "workerd":
      case "plainWorker":
      case "chromium":
        throw new Error(`Cannot run a program in ${kind}`);
    }
  }

  /** Start the server of a runtime. @returns it, and its URL. */
  async serve(
    { kind }: Runtime,
    transport: MatrixTransport,
  ): Promise<{ readonly server: RunningServer; readonly url: string }> {
    const isWorker = kind === "workerd" || kind === "plainWorker"; // which get an address of their own
    const command = await this.command(kind, "server");
    const address = transport === "IPC" ? `ipc:${kind}` : ADDRESSES[transport];
    const server = await startServer(isWorker ? command : [...command, address]);
    return { server, url: server.urls[kind === "plainWorker" ? 1 : 0] ?? "" };
  }

  /** Run the suite in the client of a runtime. */
  async run({ kind }: Pick<Runtime, "kind">, target: SuiteTarget): Promise<CaseResult[]> {
    if (kind === "chromium") return this.#runPage(target);
    return this.#resultsOf([...(await this.command(kind, "client")), JSON.stringify(target)]);
  }

  /** Run the suite over rings, in a runtime and in a worker of it. */
  async runThreads({ kind }: Pick<Runtime, "kind">): Promise<CaseResult[]> {
    if (kind === "chromium") return this.#runPage({ url: "worker:" }, "page-threads", "session-thread");
    const platform = kind === "deno" || kind === "bun" ? kind : "node";
    const program = await bundle("test/runtimes/programs/thread-client.ts", platform);
    const thread = await bundle("test/runtimes/programs/session-thread.ts", platform);
    return this.#resultsOf([...this.commandOf(kind, program), thread]);
  }

  async #resultsOf(command: Command): Promise<CaseResult[]> {
    const lines = await runProgram(command, CLIENT_MS);
    const line = lines.find((text) => text.startsWith("RESULTS "));
    if (line === undefined) throw new Error(`Client printed no results:\n${lines.join("\n")}`);
    return JSON.parse(line.slice("RESULTS ".length)) as CaseResult[];
  }

  async #runPage(target: SuiteTarget, program = "page-client", thread?: string): Promise<CaseResult[]> {
    this.#browser ??= chromium.launch({
      executablePath: ensureBrowser(),
      args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"],
    });
    const names = [program, ...(thread === undefined ? [] : [thread])];
    const served =
      this.#pages.get(program) ??
      bundlePrograms(names.map((name) => `test/runtimes/programs/${name}.ts`)).then((scripts) =>
        servePages(scripts, [`/${program}.js`]),
      );
    this.#pages.set(program, served);
    const [browser, { port }] = await Promise.all([this.#browser, served]);
    const page = await browser.newPage();
    try {
      await page.goto(`http://127.0.0.1:${port}/${thread === undefined ? "" : "isolated"}`);
      await page.waitForFunction("globalThis.runSuite !== undefined");
      return await page.evaluate((given) => {
        const { runSuite } = globalThis as unknown as { runSuite(target: unknown): Promise<CaseResult[]> };
        return runSuite(given);
      }, target);
    } finally {
      await page.close();
    }
  }

  /** End the browser. */
  async close(): Promise<void> {
    await (await this.#browser)?.close();
    for (const page of this.#pages.values()) (await page).close();
  }
}

/** A proxy in front of a server, and the URL that leads through it. */
async function openProxy(
  url: string,
  name: string,
  plan: readonly Fault[],
): Promise<{ readonly proxy: ChaosProxy; readonly url: string }> {
  const { protocol, pathname, port } = new URL(url);
  if (protocol === "ipc:") {
    const own = `${pathname}-${name}`;
    return {
      proxy: await ChaosProxy.open(ipcPlace(pathname).path, plan, ipcPlace(own).path),
      url: `ipc:${own}`,
    };
  }
  const proxy = await ChaosProxy.open(Number(port), plan);
  return { proxy, url: url.replace(`:${port}`, `:${proxy.port}`) };
}

/** Run the suite of one client against one server. Never throws. */
export async function runCell(
  programs: Programs,
  client: Runtime,
  server: Runtime,
  transport: MatrixTransport,
  url: string,
): Promise<Cell> {
  const keeps = server.kind !== "plainWorker";
  const [cuts, loss] = [await openProxy(url, "cuts", CUTS), await openProxy(url, "loss", LOSS)];
  const cell = { client: client.name, server: server.name, transport };
  try {
    const target = { url, lossUrl: loss.url, ...(keeps ? { cutsUrl: cuts.url } : {}) };
    const results = await programs.run(client, target);
    const struck = cuts.proxy.fired.length === (keeps ? CUTS.length : 0) && loss.proxy.fired.length === 1;
    return { ...cell, results, ...(struck ? {} : { problem: "Not every cut was made" }) };
  } catch (error) {
    return { ...cell, results: [], problem: error instanceof Error ? error.message : String(error) };
  } finally {
    await Promise.all([cuts.proxy.close(), loss.proxy.close()]);
  }
}

/** Run the suite between a thread of a runtime and a worker of it. Never throws. */
export async function runThreads(programs: Programs, runtime: Runtime): Promise<Cell> {
  const cell = { client: runtime.name, server: "Worker of it", transport: RINGS } as const;
  try {
    return { ...cell, results: await programs.runThreads(runtime) };
  } catch (error) {
    return { ...cell, results: [], problem: error instanceof Error ? error.message : String(error) };
  }
}
