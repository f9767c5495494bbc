/** The package in Node. */
export * from "../index.ts";
export { connect, type NodeConnectOptions } from "./dial.ts";
