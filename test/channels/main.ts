// The stress of channels between threads: npm run stress -- [--messages 1e8] [--seeds 50] [--from 1]
import { parseArgs } from "node:util";
import { planOf, StressThreads, shareOf } from "./stress.ts";

const { values } = parseArgs({
  options: {
    messages: { type: "string", default: "1e8" },
    seeds: { type: "string", default: "50" },
    from: { type: "string", default: "1" },
  },
});
const [messages, seeds, from] = [Number(values.messages), Number(values.seeds), Number(values.from)];
const threads = await StressThreads.make();
const plans = Array.from({ length: seeds }, (_, i) => planOf(from + i));
const shares = plans.reduce((sum, plan) => sum + shareOf(plan), 0);
let total = 0;
const began = performance.now();
try {
  for (const plan of plans) {
    const { messages: sent, ms } = await threads.run(plan, Math.ceil((messages * shareOf(plan)) / shares));
    total += sent;
    console.log(`${JSON.stringify(plan)} ${sent} messages, ${(sent / ms / 1_000).toFixed(2)} M/s`);
  }
  console.log(
    `${total} messages in ${((performance.now() - began) / 1_000).toFixed(0)} s, each once and whole`,
  );
} finally {
  threads.remove();
}
