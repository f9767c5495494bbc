import { SUBPROTOCOL } from "../core/wire/hello.ts";

/** What a client comes by, for `authenticate`: the same in every runtime that has the web's `Request`. */
export interface ClientRequest {
  /** The URL that it asked for; where it came by a bare connection, the one that listens. */
  readonly url: string;
  /** The headers of the upgrade request, cookies with them; empty for a bare connection. */
  readonly headers: Headers;
  /** The address of the client, or of the proxy next to the server; empty where it is not known. */
  readonly address: string;
}

/** Why an upgrade request is refused. */
interface Refused {
  readonly status: number;
  readonly reason: string;
}

/** Whether the client names our subprotocol: then the answer names it too. */
export function offersTideway(request: Request): boolean {
  return protocolsOf(request).includes(SUBPROTOCOL);
}

/**
 * What is wrong with a request that should become a WebSocket; `undefined` when nothing is. A client that names
 * subprotocols must name ours; one that names none is told by HELLO what this is.
 * @param path - the one that is served; `undefined` for every path
 */
export function upgradeProblem(request: Request, path: string | undefined): Refused | undefined {
  if (path !== undefined && new URL(request.url).pathname !== path)
    return { status: 404, reason: "Not Found" };
  if (request.headers.get("upgrade")?.toLowerCase() !== "websocket")
    return { status: 426, reason: "Upgrade to WebSocket" };
  const offered = protocolsOf(request);
  if (offered.length > 0 && !offered.includes(SUBPROTOCOL))
    return { status: 400, reason: `Subprotocol must be ${SUBPROTOCOL}` };
  return undefined;
}

/** What says who may come in. The host is that of the URL where the runtime hides the header. */
export function headOf(request: Request): { readonly host: string; readonly origin: string | undefined } {
  const { headers } = request;
  return {
    host: headers.get("host") ?? new URL(request.url).host,
    origin: headers.get("origin") ?? undefined,
  };
}

/** The answer to a request that is refused. */
export function refusalResponse({ status, reason }: Refused): Response {
  const headers = { "content-type": "text/plain", ...(status === 426 ? { upgrade: "websocket" } : {}) };
  return new Response(`${reason}\n`, { status, headers });
}

function protocolsOf(request: Request): string[] {
  const header = request.headers.get("sec-websocket-protocol");
  return header === null ? [] : header.split(",").map((name) => name.trim());
}
