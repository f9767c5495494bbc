import { serveSockets } from "./sockets.ts";

await serveSockets(
  "bare TCP of `node:net`, no delay, a length before each message; answers are known by their order: a floor, no rival",
  () => undefined,
);
