import { createServer, type Server } from "node:http";
import type { Asset } from "./page.ts";

/** Scripts, styles and connections from this server alone, and nothing inline. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join("; ");

const SECURITY_HEADERS = {
  "content-security-policy": CONTENT_SECURITY_POLICY,
  // An isolated page has a finer clock, which the latency panel wants.
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-embedder-policy": "require-corp",
  "cross-origin-resource-policy": "same-origin",
  "permissions-policy": "camera=(), geolocation=(), microphone=()",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
} as const;

/** An HTTP server for files in memory. @param upgradePath - whose upgrade requests somebody else answers */
export function createWebServer(assets: ReadonlyMap<string, Asset>, upgradePath: string): Server {
  const http = createServer((request, response) => {
    const found = assets.get(pathOf(request.url));
    if (found === undefined) {
      response.writeHead(404, { ...SECURITY_HEADERS, "content-type": "text/plain; charset=utf-8" });
      response.end("Not found\n");
    } else if (request.method !== "GET" && request.method !== "HEAD") {
      response.writeHead(405, { ...SECURITY_HEADERS, allow: "GET, HEAD" }).end();
    } else {
      const { type, body, etag } = found;
      const headers = { ...SECURITY_HEADERS, "content-type": type, "cache-control": "no-cache", etag };
      if (request.headers["if-none-match"] === etag) response.writeHead(304, headers).end();
      else {
        response.writeHead(200, { ...headers, "content-length": body.length });
        response.end(request.method === "HEAD" ? undefined : body);
      }
    }
  });
  // Node leaves an upgrade request open that no listener answers.
  http.on("upgrade", (request, socket) => {
    if (pathOf(request.url) === upgradePath) return;
    socket.end("HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
  });
  return http;
}

function pathOf(url: string | undefined): string {
  return (url ?? "/").split("?", 1)[0] ?? "/";
}
