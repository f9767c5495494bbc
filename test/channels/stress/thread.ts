import { type ChannelReceiver, type ChannelSender, openReceiver, openSender } from "tideway/channels";
import { Random } from "../../../src/testing/random.ts";
import { canaryOf, FORMATS, type Marked, type StressJob, type StressReport } from "./job.ts";

/** Send or receive all messages of a job, in every way that there is. */
export async function runStressJob(job: StressJob): Promise<StressReport> {
  const format = FORMATS[job.style];
  const random = new Random(job.seed);
  if (job.role === "receive") return receive(openReceiver<Marked>(job.memory, format), job, random);
  await send(openSender<Marked>(job.memory, format), job, random);
  return { counts: [], sums: [], problems: [] };
}

async function send(sender: ChannelSender<Marked>, job: StressJob, random: Random): Promise<void> {
  const make = (number: number): Marked => ({ sender: job.id, number, canary: canaryOf(job.id, number) });
  for (let next = 0; next < job.count; ) {
    const many = Math.min(job.count - next, random.int(1, job.most));
    const batch = Array.from({ length: many }, (_, i) => make(next + i));
    const way = random.int(0, 9);
    if (way === 0) await sender.sendBatch(batch);
    else if (way === 1) await sender.send(make(next));
    else if (way <= 3) for (const each of batch) sender.sendBlocking(each);
    else sender.sendBatchBlocking(batch);
    next += way === 1 ? 1 : many;
  }
  sender.close();
}

async function receive(
  receiver: ChannelReceiver<Marked>,
  job: StressJob,
  random: Random,
): Promise<StressReport> {
  const counts: number[] = [];
  const sums: number[] = [];
  const last: number[] = [];
  const problems: string[] = [];
  const take = ({ sender, number, canary }: Marked): void => {
    if (canary !== canaryOf(sender, number)) problems.push(`canary of ${sender}.${number} is ${canary}`);
    if (number <= (last[sender] ?? -1)) problems.push(`${sender}.${number} after ${last[sender]}`);
    last[sender] = number;
    counts[sender] = (counts[sender] ?? 0) + 1;
    sums[sender] = (sums[sender] ?? 0) + number;
  };
  for (;;) {
    const way = random.int(0, 9);
    const most = random.int(1, job.most);
    if (way <= 1) {
      const one = way === 0 ? await receiver.receive() : receiver.receiveBlocking();
      if (one === undefined) break;
      take(one);
    } else {
      const batch = way === 2 ? await receiver.receiveBatch(most) : receiver.receiveBatchBlocking(most);
      if (batch.length === 0) break;
      for (const each of batch) take(each);
    }
  }
  return { counts, sums, problems };
}
