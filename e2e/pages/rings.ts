// The script of a page that has channels with Workers.
import {
  abandonChannel,
  type ChannelKind,
  createChannel,
  lendChannel,
  openReceiver,
  openSender,
  struct,
} from "tideway/channels";

const numbers = struct({ number: "u32" });

/** What tests call in the page. */
const rings = { thereAndBack, block, abandon, lend, create };

declare global {
  interface Window {
    rings: typeof rings;
  }
}

/** Send numbers to Workers that send them back. */
async function thereAndBack(kind: ChannelKind, count: number) {
  const workers = kind === "spsc" ? 1 : 2;
  const there = createChannel({
    kind: workers === 1 ? "spsc" : "mpmc",
    format: numbers,
    capacity: 64,
    receivers: workers,
  });
  const back = createChannel({ kind, format: numbers, capacity: 64, senders: workers });
  const threads = Array.from({ length: workers }, () => new Worker("/rings-thread.js", { type: "module" }));
  for (const thread of threads) thread.postMessage({ there, back });
  const start = performance.now();
  const sender = openSender(there, numbers);
  const sending = (async () => {
    for (let number = 0; number < count; number++) await sender.send({ number });
    sender.close();
  })();
  let received = 0;
  let sum = 0;
  for await (const { number } of openReceiver(back, numbers)) {
    received++;
    sum += number;
  }
  await sending;
  for (const thread of threads) thread.terminate();
  return { received, sum, ms: performance.now() - start };
}

/** What a blocking call throws here. */
function block(): string {
  try {
    openReceiver(createChannel({ format: numbers }), numbers).receiveBlocking({ timeoutMs: 100 });
    return "nothing";
  } catch (error) {
    return (error as Error).name;
  }
}

/** End a Worker while this page waits for it. */
async function abandon() {
  const [there, back] = [createChannel({ format: numbers }), createChannel({ format: numbers })];
  const worker = new Worker("/rings-thread.js", { type: "module" });
  worker.postMessage({ there, back });
  await openSender(there, numbers).send({ number: 1 });
  const receiver = openReceiver(back, numbers);
  await receiver.receive();
  const waiting = receiver.receive().catch((error: unknown) => String((error as { code?: unknown }).code));
  worker.terminate();
  const start = performance.now();
  abandonChannel(back);
  return { code: await waiting, ms: performance.now() - start };
}

/** Lend channels to a Worker that blocks until this page ends it, that leaves by itself, or as soon as it may be known. */
async function lend(how: "terminate" | "close" | "close at once") {
  const [there, back] = [createChannel({ format: numbers }), createChannel({ format: numbers })];
  const worker = new Worker("/rings-thread.js", { type: "module" });
  const [lentThere, lentBack] = [lendChannel(there, worker), lendChannel(back, worker)];
  const ways = { leaves: how === "close", leavesAtOnce: how === "close at once" };
  worker.postMessage({ there: lentThere, back: lentBack, ...ways });
  const sender = openSender(there, numbers);
  const receiver = openReceiver(back, numbers);
  await sender.send({ number: 1 });
  const first = await receiver.receive();
  if (how !== "close at once") await new Promise((resolve) => setTimeout(resolve, 300)); // it has its lock by then
  const start = performance.now();
  if (how === "terminate") worker.terminate();
  else if (how === "close") await sender.send({ number: 0 });
  const codeOf = (error: unknown) => String((error as { code?: unknown }).code);
  const code = await receiver.receive().then(() => "nothing", codeOf);
  const ms = performance.now() - start;
  const sent = await sender.send({ number: 2 }).then(() => "sent", codeOf);
  return { number: first?.number, code, sent, ms };
}

/** What says that no channel can be made here. */
function create(): string {
  try {
    createChannel({ format: numbers });
    return "made";
  } catch (error) {
    return (error as Error).message;
  }
}

window.rings = rings;
