// The stress of channels between threads: npm run stress -- [--messages 1e8] [--seeds 50] [--from 1] [--in node]
import { parseArgs } from "node:util";
import { countOf, runIn } from "../threads/run-in.ts";

const { values } = parseArgs({
  options: {
    messages: { type: "string", default: "1e8" },
    seeds: { type: "string", default: "50" },
    from: { type: "string", default: "1" },
    in: { type: "string", default: "node" },
  },
});
const options = {
  messages: countOf("messages", values.messages),
  seeds: countOf("seeds", values.seeds),
  from: countOf("from", values.from),
};
await runIn(values.in, { name: "stress", options });
