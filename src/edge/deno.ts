/** The package in Deno: what pages have, the server, and dialing of TCP and Unix sockets. */
export * from "../browser/index.ts";
export type { ClientRequest } from "../transports/upgrade-request.ts";
export { connect, type DenoConnectOptions, dialSocket } from "./deno-connect.ts";
export type { DenoRequestInfo } from "./deno-namespace.ts";
export { type DenoServeOptions, type DenoServer, serve } from "./deno-serve.ts";
export { type DenoWebTransportOptions, serveWebTransport } from "./deno-webtransport.ts";
