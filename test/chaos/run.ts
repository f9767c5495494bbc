import { connect, type Limits, type Server, type Session, serve } from "../../src/node/index.ts";
import { type Audit, audit } from "./auditor.ts";
import { Log, type LogEntry } from "./log.ts";
import { ChaosProxy, type Direction, type Fault } from "./proxy.ts";
import { ScriptClient, ScriptServer, type ScriptSize, type Side } from "./script.ts";

/** Time for one run, ms. A script that hangs is a violation. */
const RUN_MS = 10_000;
/** Time for the server to hear that a client has closed its session, ms. A fault may keep that from it. */
const CLOSE_MS = 100;

/** A server with the handlers of the script, for many runs at a time. */
export class ChaosServer {
  readonly #server: Server;
  readonly #sides: Map<string, Side>;
  readonly #script: ScriptServer;

  static async start(limits: Partial<Limits> = {}): Promise<ChaosServer> {
    const sides = new Map<string, Side>();
    const script = new ScriptServer((session) => {
      const side = sides.get(String(session.principal));
      if (side === undefined) throw new Error(`Cannot serve ${session.principal}: it is over`);
      return side;
    });
    const server = await serve({
      listen: ["ws://127.0.0.1:0"],
      services: [script.service],
      authenticate: ({ token }) => new TextDecoder().decode(token),
      onSession: (session) => script.attach(session),
      maxPendingPerAddress: 10_000,
      limits,
    });
    return new ChaosServer(server, sides, script);
  }

  constructor(server: Server, sides: Map<string, Side>, script: ScriptServer) {
    this.#server = server;
    this.#sides = sides;
    this.#script = script;
  }

  get port(): number {
    return Number(new URL(this.#server.urls[0] as string).port);
  }

  /** Sessions that are not over. */
  get sessions(): number {
    return this.#server.sessions.size;
  }

  /** Let the sessions of a run in. */
  expect(side: Side): void {
    this.#sides.set(side.run, side);
  }

  /** Resolves when the sessions of a run are over. */
  async over(run: string): Promise<void> {
    await Promise.all(this.#sessionsOf(run).map(({ closed }) => closed));
  }

  /** Streams that are left in the sessions of a run. */
  streams(run: string): number {
    return this.#sessionsOf(run).reduce((sum, session) => sum + session.stats().streams, 0);
  }

  #sessionsOf(run: string): Session[] {
    return [...this.#server.sessions].filter(({ principal }) => principal === run);
  }

  /** Let nobody of a run in any more. */
  forget(run: string): void {
    this.#sides.delete(run);
    this.#script.forget(run);
  }

  close(): Promise<void> {
    return this.#server.close({ drainMs: 0 });
  }
}

/** What one run does. */
export interface RunOptions {
  /** Its name, which no other run of the server has. */
  readonly run: string;
  readonly size: ScriptSize;
  readonly plan: readonly Fault[];
  /** Time for an attempt to connect, ms. */
  readonly connectMs?: number;
}

/** What one run gave. */
export interface RunResult extends RunOptions {
  readonly fired: readonly Fault[];
  readonly audit: Audit;
  /** Why the script did not come to its end. */
  readonly error: Error | undefined;
  /** From each loss that the session noticed to the next `open`, without the backoff, ms. */
  readonly resumeMs: readonly number[];
  /** Attempts to connect that failed before there was a session. */
  readonly refused: number;
  /** What the proxy let through. */
  readonly bytes: Readonly<Record<Direction, number>>;
  readonly log: readonly LogEntry[];
}

/** Play the script once, through a proxy of its own, and audit it. */
export async function runOnce(server: ChaosServer, options: RunOptions): Promise<RunResult> {
  const { run, size, plan } = options;
  const proxy = await ChaosProxy.open(server.port, plan);
  const logs = { client: new Log(), server: new Log() };
  const epoch = () => proxy.connections;
  server.expect({ run, size, log: logs.server, epoch });
  const watch = new Watch();
  let refused = 0;
  let error: Error | undefined;
  try {
    const session = await connectThrough(proxy, options, watch, () => refused++);
    error = await playThrough(session, { run, size, log: logs.client, epoch }, server);
    const [fresh] = watch.freshStarts;
    if (fresh !== undefined) error ??= new Error(`Session was not carried on: ${fresh}`);
    await Promise.race([Promise.all([session.close(), server.over(run)]), sleep(CLOSE_MS)]);
  } catch (cause) {
    error = cause as Error;
  }
  await proxy.close();
  server.forget(run);
  const log = [...logs.client.entries, ...logs.server.entries];
  const { fired, bytes } = proxy;
  return {
    ...options,
    fired,
    audit: audit(log, { fired: fired.length, least: 0 }),
    error,
    resumeMs: watch.resumeMs,
    refused,
    bytes,
    log,
  };
}

/** Connect, again and again while faults explain why it fails: nothing was acknowledged yet. */
async function connectThrough(
  proxy: ChaosProxy,
  { run, connectMs = 2_000 }: RunOptions,
  watch: Watch,
  onRefused: () => void,
): Promise<Session> {
  for (let failed = 0; ; failed++) {
    try {
      return await connect(`ws://127.0.0.1:${proxy.port}`, {
        auth: run,
        connectTimeoutMs: connectMs,
        reconnect: { minMs: 1, maxMs: 20 },
        onSession: (session) => watch.start(session),
      });
    } catch (error) {
      if (failed >= proxy.fired.length) throw error;
      onRefused();
    }
  }
}

/** Play to the end of every stream. @returns why that did not work. */
async function playThrough(session: Session, side: Side, server: ChaosServer): Promise<Error | undefined> {
  const script = new ScriptClient(session, side);
  const late = new AbortController();
  const timeout = sleep(RUN_MS, late.signal).then(() => {
    const waits = [...script.unfinished, "streams that are over"].join(", ");
    const there = server.streams(side.run);
    throw new Error(`Cannot finish ${waits}: ${JSON.stringify(session.stats())}, ${there} streams there`);
  });
  try {
    await Promise.race([script.play().then(() => settled(session, server, side.run, late.signal)), timeout]);
    return undefined;
  } catch (error) {
    return error as Error;
  } finally {
    late.abort();
  }
}

/** Resolves when no stream is left on either side, or `signal` aborts. */
async function settled(
  session: Session,
  server: ChaosServer,
  run: string,
  signal: AbortSignal,
): Promise<void> {
  const left = () => session.stats().streams + session.stats().queuedBytes + server.streams(run);
  while (left() > 0 && !signal.aborted) await sleep(2);
}

/** Measures how long a session is without a connection, and hears how it came by the next one. */
class Watch {
  readonly resumeMs: number[] = [];
  /** Why the session was not carried on, when that happened. */
  readonly freshStarts: string[] = [];
  #opened = false;
  #lostAt: number | undefined;
  #waitedMs = 0;

  start(session: Session): void {
    session.addEventListener("statechange", ({ state, retryInMs, outcome }) => {
      const now = performance.now();
      if (state === "open") {
        if (this.#opened && !outcome?.resumed) this.freshStarts.push(outcome?.reason ?? "no reason");
        if (this.#lostAt !== undefined) this.resumeMs.push(Math.max(0, now - this.#lostAt - this.#waitedMs));
        this.#opened = true;
        this.#lostAt = undefined;
        this.#waitedMs = 0;
      } else if (this.#opened) {
        this.#lostAt ??= now;
        this.#waitedMs += retryInMs;
      }
    });
  }
}

/** Do `run` with every item, so many at a time. */
export async function inLanes<T>(
  items: Iterable<T>,
  lanes: number,
  run: (item: T) => Promise<void>,
): Promise<void> {
  const waiting = items[Symbol.iterator]();
  const lane = async () => {
    for (let next = waiting.next(); !next.done; next = waiting.next()) await run(next.value);
  };
  await Promise.all(Array.from({ length: lanes }, lane));
}

/** Resolves after `ms`, or never when `signal` aborts before. */
function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener("abort", () => clearTimeout(timer));
  });
}
