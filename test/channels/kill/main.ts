// Threads that are ended in every state of a ring: npm run kills -- [--runs 100] [--in node]
import { parseArgs } from "node:util";
import { countOf, runIn } from "../threads/run-in.ts";

const { values } = parseArgs({
  options: { runs: { type: "string", default: "100" }, in: { type: "string", default: "node" } },
});
await runIn(values.in, { name: "kills", options: { runs: countOf("runs", values.runs) } });
