/** The package in Bun: what pages have, the server on Bun's own sockets, and dialing of TCP and Unix sockets. */
export * from "../browser/index.ts";
export type { ClientRequest } from "../transports/upgrade-request.ts";
export { type BunConnectOptions, connect, dialSocket } from "./connect.ts";
export { type BunServeOptions, serve } from "./serve.ts";
