// Does long work in Workers of Deno or Bun: work-runtime.mjs <URL of program-web> <what to do, as JSON>
import process from "node:process";
import { WebThreads } from "./web.ts";
import { doWork } from "./works.ts";

const [script = "", work = ""] = process.argv.slice(2);
await doWork(new WebThreads(script), JSON.parse(work), console.log);
process.exit(0); // Workers that were ended may keep the process
