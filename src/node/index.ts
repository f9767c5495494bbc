/** What only Node has: the server, `dial`, and a transport for sockets. The rest of the package is exported too. */
export * from "./client.ts";
export { dial } from "./dial.ts";
export type { NodeRequest } from "./listener.ts";
export {
  type NodeAuthenticateRequest,
  type NodeServer,
  type ServeOptions,
  serve,
} from "./serve.ts";
export {
  serveWebTransport,
  type WebTransportRequest,
  type WebTransportServeOptions,
} from "./serve-webtransport.ts";
export { SocketTransport, type SocketTransportOptions } from "./socket-transport.ts";
