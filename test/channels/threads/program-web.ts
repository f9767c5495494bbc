// A Worker of the web that does jobs of the tests of channels.
import { serveJobs } from "./program.ts";

serveJobs({
  hear: (run) => globalThis.addEventListener("message", ({ data }: MessageEvent) => run(data)),
  post: (answer) => postMessage(answer),
  exit: () => globalThis.close(),
});
