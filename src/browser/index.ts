/** The package in browsers and in every runtime that has the web's `WebSocket`. */
export * from "../index.ts";
export { connect, dialWebSocket } from "./connect.ts";
