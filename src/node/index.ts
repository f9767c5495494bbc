/** What only Node has: the server, and `ws` as a transport. The rest of the package is exported too. */
export * from "./client.ts";
export {
  type NodeAuthenticateRequest,
  type ServeOptions,
  serve,
} from "./serve.ts";
