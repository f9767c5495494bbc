// The script of a page that has sessions with Workers.
import { acceptPort, client, connectPort, connectWorker, implement, pool, type Session } from "tideway";
import { MIRROR, ownerApi, workerApi } from "../../test/threads/contract.ts";
import { pageTasks } from "./pool-contract.ts";

const MIB = 1024 * 1024;
const owner = implement(ownerApi, { double: (number) => 2 * number });

/** What tests call in the page. */
const threads = {
  exchange,
  mirror,
  failPending,
  outlive,
  leaveBusy,
  failToStart,
  ownChannel,
  joinShared,
  runPool,
};

declare global {
  interface Window {
    threads: typeof threads;
  }
}

async function open(script = "/worker-thread.js") {
  const worker = new Worker(script, { type: "module" });
  worker.addEventListener("error", (event) => event.preventDefault());
  const session = await connectWorker(worker, { onSession: (fresh) => owner.attach(fresh) });
  return { worker, session, calls: client(session, workerApi) };
}

function codeOf(error: unknown): string {
  return String((error as { code?: unknown }).code ?? error);
}

/** Calls of all shapes, from both sides. */
async function exchange() {
  const { worker, session, calls } = await open();
  const added = await calls.add([1, 2]);
  const counted: number[] = [];
  for await (const number of calls.count(1_000)) counted.push(number);
  const total = await calls.sum().sendAll(counted);
  const echo = calls.echo();
  await echo.send("ahoj");
  const echoed = await echo.receive();
  echo.end();
  const end = await echo.receive();
  const doubled = await Promise.all(Array.from({ length: 100 }, (_, i) => calls.askBack(i)));
  const { transport, streams } = session.stats();
  await session.close();
  worker.terminate();
  return { added, counted: counted.length, total, echoed, end, doubled, transport, streams };
}

/** Send a message to the Worker and back. */
async function mirror(mebibytes: number) {
  const { worker, session } = await open();
  const message = new Uint8Array(mebibytes * MIB);
  for (let at = 0; at < message.length; at += 65_536)
    crypto.getRandomValues(message.subarray(at, at + 65_536));
  const stream = session.openStream(MIRROR);
  const start = performance.now();
  await stream.send(message);
  const back = await stream.receive();
  const ms = performance.now() - start;
  await session.close();
  worker.terminate();
  const same = back?.length === message.length && back.every((byte, at) => byte === message[at]);
  return { same, kept: message.length, ms };
}

async function pendingOf(session: Session, count: number) {
  const calls = client(session, workerApi);
  const pending = Array.from({ length: count }, () => calls.hang().then(() => "answered", codeOf));
  await calls.add([1, 1]);
  return pending;
}

type Ending = "terminate" | "terminate while it computes" | "exit" | "exit while another works";

/** End a Worker that owes 100 answers. */
async function failPending(how: Ending) {
  const { worker, session, calls } = await open();
  const other = how === "exit while another works" ? await open() : undefined;
  const pending = await pendingOf(session, 100);
  if (how === "terminate while it computes") {
    pending.push(calls.compute(60_000).then(String, codeOf));
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const start = performance.now();
  if (how.startsWith("terminate")) worker.terminate();
  else void calls.exit().catch(() => {});
  const codes = new Set(await Promise.all(pending));
  const ms = performance.now() - start;
  const error = await session.closed;
  const others = other === undefined ? undefined : await other.calls.add([1, 1]);
  other?.worker.terminate();
  return { codes: [...codes], ms, closed: codeOf(error), message: error?.message, others };
}

/** A Worker that throws, and then computes for long, is as good as ever. */
async function outlive(busyMs: number) {
  const { worker, session, calls } = await open();
  void calls.crash().catch(() => {});
  const answer = await calls.compute(busyMs).catch(codeOf);
  const state = session.state;
  worker.terminate();
  return { answer, state };
}

/** Close the session with a Worker that computes, and terminate it: nothing waits for the Worker to notice. */
async function leaveBusy() {
  const { worker, session, calls } = await open();
  const pending = await pendingOf(session, 100);
  void calls.compute(60_000).catch(() => {});
  await new Promise((resolve) => setTimeout(resolve, 50));
  const start = performance.now();
  void session.close();
  worker.terminate();
  const failed = await Promise.all(pending);
  return { answered: failed.filter((text) => text === "answered").length, ms: performance.now() - start };
}

/** Connect to a Worker whose script is not there. */
async function failToStart() {
  const start = performance.now();
  const code = await open("/nothing.js").then(() => "connected", codeOf);
  return { code, ms: performance.now() - start };
}

/** A channel of the application, between the page and itself. */
async function ownChannel() {
  const { port1, port2 } = new MessageChannel();
  const server = acceptPort(port2, { services: [owner] });
  const session = await connectPort(port1);
  const doubled = await client(session, ownerApi).double(4);
  await session.close();
  return { doubled, closed: await server.closed };
}

/** Join the SharedWorker of this origin. @returns what asks it for its sessions */
async function joinShared() {
  const { port } = new SharedWorker("/worker-shared.js", { type: "module" });
  const session = await connectPort(port);
  const calls = client(session, workerApi);
  Object.assign(window, { askShared: () => calls.sessions() });
  return calls.sessions();
}

window.threads = threads;

/** Tasks of a pool: by key, more than there is room for, and over the end of a Worker. */
async function runPool() {
  const workers = await pool("/pool-thread.js", pageTasks, { workers: 2, queueCapacity: 4, batch: 1 });
  const sums = await Promise.all(Array.from({ length: 100 }, (_, i) => workers.tasks.add([i, 1])));
  const places = [];
  for (let i = 0; i < 20; i++) places.push(await workers.tasks.where(undefined, { key: `key ${i % 5}` }));
  const lost = workers.tasks.close(undefined, { key: "key 0" }).catch(codeOf);
  const after = workers.tasks.where(undefined, { key: "key 0" });
  const result = {
    sums: sums.every((sum, i) => sum === i + 1),
    workers: new Set(places.map(({ worker }) => worker)).size,
    times: places.map(({ times }) => times),
    lost: await lost,
    after: (await after).worker !== places[0]?.worker,
    restarts: workers.stats().workers.reduce((sum, { restarts }) => sum + restarts, 0),
  };
  await workers.close();
  return { ...result, states: workers.stats().workers.map(({ state }) => state) };
}
