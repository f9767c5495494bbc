/** The package in Node. */
export * from "../index.ts";
export { type ConnectReport, connect, type DialOptions, type NodeConnectOptions } from "./dial.ts";
export { dialWebSocket, type WebSocketDialOptions } from "./dial-websocket.ts";
export { type CertificateHash, dialWebTransport, type WebTransportDialOptions } from "./dial-webtransport.ts";
export { type NodePoolOptions, pool, type ServeWorkersOptions, servePool } from "./pool.ts";
export type { SocketOptions } from "./socket-transport.ts";
export { acceptPort, connectPort, connectWorker, dialWorker, serveWorker } from "./worker.ts";
