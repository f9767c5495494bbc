/** The package in browsers and in every runtime that has the web's `WebSocket`. */
export * from "../index.ts";
export { type BrowserConnectOptions, connect, dialWebSocket } from "./connect.ts";
export { type BrowserPoolOptions, pool, servePool } from "./pool.ts";
export { dialWebTransport, type WebTransportDialOptions } from "./webtransport.ts";
export { acceptPort, connectPort, connectWorker, dialWorker, serveWorker } from "./worker.ts";
