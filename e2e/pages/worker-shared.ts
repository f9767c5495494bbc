// A SharedWorker that serves `workerApi` to every page that connects.
import { acceptPort } from "tideway";
import { workerOptions } from "../../test/threads/service.ts";

const options = workerOptions(() => globalThis.close());
globalThis.addEventListener("connect", (event) => {
  const [port] = (event as MessageEvent).ports;
  if (port !== undefined) acceptPort(port, options);
});
