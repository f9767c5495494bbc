// The script of a page that does long work in its Workers.
import { WebThreads } from "./web.ts";
import { doWork, type Work } from "./works.ts";

declare global {
  interface Window {
    work(work: Work): Promise<void>;
  }
}

window.work = (work) => doWork(new WebThreads("/program-web.js"), work, console.log);
