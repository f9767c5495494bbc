// A Worker that serves `workerApi` to its page.
import { serveWorker } from "tideway";
import { workerOptions } from "../../test/threads/service.ts";

serveWorker(workerOptions(() => globalThis.close()));
