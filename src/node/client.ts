/** The package in Node. */
export * from "../index.ts";
export { connect, type DialOptions, dialWebSocket, type NodeConnectOptions } from "./dial.ts";
