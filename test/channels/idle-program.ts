// A process in which everybody waits: prints the share of a processor that it takes, by the time that its threads ran.
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { createChannel, fixedBytes, openReceiver, openSender } from "tideway/channels";

const format = fixedBytes(16);
const message = new Uint8Array(16);
const SETTLE_MS = 1_000;
const MEASURE_MS = 4_000;
const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Blocks until there is a message: never. */
const BLOCKED_RECEIVER = "blocked receiver";
/** Blocks until there is room: never. */
const BLOCKED_SENDER = "blocked sender";

function block(): void {
  const { role, memory } = workerData as { readonly role: string; readonly memory: SharedArrayBuffer };
  parentPort?.postMessage("ready");
  if (role === BLOCKED_RECEIVER) openReceiver(memory, format).receiveBlocking();
  const sender = openSender(memory, format);
  for (;;) sender.sendBlocking(message);
}

async function measure(): Promise<void> {
  const make = () => createChannel({ format, capacity: 4 });
  const workers = [BLOCKED_RECEIVER, BLOCKED_SENDER].map(
    (role) => new Worker(process.argv[1] as string, { workerData: { role, memory: make() } }),
  );
  await Promise.all(workers.map((worker) => new Promise((resolve) => worker.once("message", resolve))));
  void openReceiver(make(), format).receive();
  const sender = openSender(make(), format);
  while (sender.trySend(message)) {}
  void sender.send(message);
  await sleep(SETTLE_MS);
  const before = process.cpuUsage(); // of all threads
  const start = performance.now();
  await sleep(MEASURE_MS);
  const { user, system } = process.cpuUsage(before);
  console.log((user + system) / 1_000 / (performance.now() - start));
  process.exit();
}

if (isMainThread) await measure();
else block();
