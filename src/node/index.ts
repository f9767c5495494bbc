/** What only Node has: the server, and `ws` as a transport. The rest of the package is exported too. */
export type { AdmissionOptions } from "./admission.ts";
export * from "./client.ts";
export {
  type NodeAuthenticateRequest,
  type ServeOptions,
  type Server,
  type ServerCloseOptions,
  serve,
} from "./serve.ts";
