// A thread of the benches of channels: does the jobs that it is sent.
import { parentPort } from "node:worker_threads";
import { type ChannelReceiver, type ChannelSender, openReceiver, openSender } from "tideway/channels";
import { BATCH, COPY_BYTES, type Job, numbered, type PortJob, type Report } from "./jobs.ts";
import { post, take } from "./ports.ts";

const senders = new Map<SharedArrayBuffer, ChannelSender<number>>();
const receivers = new Map<SharedArrayBuffer, ChannelReceiver<number>>();
const payload = new Uint8Array(65_536).fill(7);

/** Ends are opened once: they go on with the next job. The same memory is another object in each message. */
let keys: SharedArrayBuffer[] = [];
function keyOf(buffer: SharedArrayBuffer): SharedArrayBuffer {
  const id = new Int32Array(buffer, ID_BYTES, 1)[0];
  const known = keys.find((key) => new Int32Array(key, ID_BYTES, 1)[0] === id);
  if (known !== undefined) return known;
  keys = [...keys, buffer];
  return buffer;
}
/** An unused word of the control block: the bench numbers its channels there. */
const ID_BYTES = 9 * 4;

function senderOf({ to, bytes }: Job): ChannelSender<number> {
  const key = keyOf(to as SharedArrayBuffer);
  const sender = senders.get(key) ?? openSender(key, numbered(bytes));
  senders.set(key, sender);
  return sender;
}

function receiverOf({ from, bytes }: Job): ChannelReceiver<number> {
  const key = keyOf(from as SharedArrayBuffer);
  const receiver = receivers.get(key) ?? openReceiver(key, numbered(bytes));
  receivers.set(key, receiver);
  return receiver;
}

/** Write `count` numbers in place, in batches; whole messages where they are long. */
function sendLeased(job: Job): Report {
  const sender = senderOf(job);
  const { count, bytes } = job;
  const words = bytes >> 2;
  let next = 0;
  let sum = 0;
  while (next < count) {
    const lease = sender.tryLease(Math.min(BATCH, count - next));
    if (lease === undefined) {
      idle();
      continue;
    }
    looks = 0;
    const { i32, u8 } = lease.memory;
    let at = lease.at >> 2;
    const step = lease.stride >> 2;
    for (let i = 0; i < lease.count; i++) {
      if (bytes > COPY_BYTES)
        u8.set(bytes === payload.length ? payload : payload.subarray(0, bytes), at << 2);
      else for (let word = 1; word < words - 1; word++) i32[at + word] = next;
      i32[at] = next;
      i32[at + words - 1] = next;
      sum += next++;
      at += step;
    }
    lease.send();
  }
  return { count, sum };
}

/** Let another thread have the processor, once a thread has looked so often in vain: it has nothing to do. */
const MOST_LOOKS = 200;
const never = new Int32Array(new SharedArrayBuffer(4));
let looks = 0;
function idle(): void {
  if (++looks < MOST_LOOKS) return;
  looks = 0;
  Atomics.wait(never, 0, 0, 0.05);
}

const copy = new Uint8Array(65_536);

function receiveLeased(job: Job): Report {
  const receiver = receiverOf(job);
  const { count, bytes } = job;
  const words = bytes >> 2;
  let taken = 0;
  let sum = 0;
  while (taken < count) {
    const lease = receiver.tryLease(Math.min(BATCH, count - taken));
    if (lease === undefined) {
      idle();
      continue;
    }
    looks = 0;
    const { i32, u8 } = lease.memory;
    let at = lease.at >> 2;
    const step = lease.stride >> 2;
    for (let i = 0; i < lease.count; i++) {
      if (bytes > COPY_BYTES) copy.set(u8.subarray(at << 2, (at << 2) + bytes));
      if (i32[at] !== i32[at + words - 1]) throw new Error("A message is torn");
      sum += i32[at] as number;
      at += step;
    }
    taken += lease.count;
    lease[Symbol.dispose]();
  }
  return { count, sum };
}

function sendOne(job: Job): Report {
  const sender = senderOf(job);
  let sum = 0;
  for (let next = 0; next < job.count; ) {
    if (sender.trySend(next)) sum += next++;
    else idle();
  }
  return { count: job.count, sum };
}

function receiveOne(job: Job): Report {
  const receiver = receiverOf(job);
  let sum = 0;
  for (let taken = 0; taken < job.count; ) {
    const value = receiver.tryReceive();
    if (value === undefined) {
      idle();
      continue;
    }
    sum += value;
    taken++;
  }
  return { count: job.count, sum };
}

async function ping(job: Job): Promise<Report> {
  const sender = senderOf(job);
  const receiver = receiverOf(job);
  const options = job.spins === undefined ? {} : { spins: job.spins };
  const times: number[] = [];
  for (let i = 0; i < job.count; i++) {
    const start = process.hrtime.bigint();
    if (job.isAsync) {
      await sender.send(i);
      await receiver.receive();
    } else {
      sender.sendBlocking(i, options);
      receiver.receiveBlocking(options);
    }
    times.push(Number(process.hrtime.bigint() - start));
  }
  return { count: job.count, sum: 0, times };
}

async function pong(job: Job): Promise<Report> {
  const sender = senderOf(job);
  const receiver = receiverOf(job);
  const options = job.spins === undefined ? {} : { spins: job.spins };
  for (let i = 0; i < job.count; i++) {
    if (job.isAsync) await sender.send((await receiver.receive()) as number);
    else sender.sendBlocking(receiver.receiveBlocking(options) as number, options);
  }
  return { count: job.count, sum: 0 };
}

function run(job: Job | PortJob): Report | Promise<Report> {
  switch (job.kind) {
    case "post":
      return post(job);
    case "take":
      return take(job);
    case "send":
      return job.way === "lease" ? sendLeased(job) : sendOne(job);
    case "receive":
      return job.way === "lease" ? receiveLeased(job) : receiveOne(job);
    case "ping":
      return ping(job);
    case "pong":
      return pong(job);
  }
}

parentPort?.on("message", async (job: Job | PortJob) => parentPort?.postMessage(await run(job)));
