/** The package in Cloudflare Workers: what pages have, upgrade requests of a Worker, sessions of a Durable Object. */
export * from "../browser/index.ts";
export type { ClientRequest } from "../transports/upgrade-request.ts";
export {
  type DurableOptions,
  DurableSessions,
  handleUpgrade,
  type WorkerOptions,
} from "./workers-sessions.ts";
