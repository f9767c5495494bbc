// Measures all codecs in this process and prints the rows as JSON: main.ts <plan as JSON>
import type { Plan } from "../../harness.ts";
import { measureCodecs } from "../measure.ts";
import { OWN } from "../own.ts";
import { SHAPES } from "../shapes.ts";
import { RIVALS } from "./index.ts";

const plan = JSON.parse(process.argv[2]!) as Plan;
console.log(JSON.stringify(await measureCodecs(plan, SHAPES, [...OWN, ...RIVALS])));
