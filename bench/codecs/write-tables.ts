// Measures the codecs and writes the tables of docs/codecs.md: node scripts/run-ts.mjs bench/codecs/write-tables.ts
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../../scripts/paths.mjs";
import { peerVersions } from "../peers/packages.ts";
import { measureInChromium } from "./chromium.ts";
import { FULL_CODEC_PLAN, measureInNode, toMarkdown } from "./index.ts";

const PAGE = join(ROOT, "docs", "codecs.md");
const BEGIN = "<!-- figures: npm run bench -- codecs -->";
const END = "<!-- end of figures -->";
const PACKAGES = ["msgpackr", "cbor-x", "@bufbuild/protobuf"];

const page = readFileSync(PAGE, "utf8");
const [from, to] = [page.indexOf(BEGIN), page.indexOf(END)];
if (from < 0 || to < from) throw new Error(`Cannot find ${BEGIN} and ${END} in docs/codecs.md`);
const node = await measureInNode(FULL_CODEC_PLAN);
const chromium = await measureInChromium(FULL_CODEC_PLAN);
const versions = PACKAGES.map((name) => `${name} ${peerVersions()[name]}`).join(", ");
const text = `${BEGIN}

Measured on ${new Date().toISOString().slice(0, 10)}, on a virtual machine with 2 cores that did other work too: medians of
${FULL_CODEC_PLAN.runs} runs that alternate, so what counts is how the figures of one table compare. With ${versions}.

Node ${process.versions.node.split(".")[0]}:

${toMarkdown(node)}

Chromium:

${toMarkdown(chromium)}

`;
writeFileSync(PAGE, page.slice(0, from) + text + page.slice(to));
