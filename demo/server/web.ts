import { createServer, type Server } from "node:http";
import { answersFrom } from "./answer.ts";
import type { Assets } from "./asset.ts";

/** An HTTP server for files in memory. @param upgradePath - whose upgrade requests somebody else answers */
export function createWebServer(assets: Assets, upgradePath: string): Server {
  const answer = answersFrom(assets);
  const http = createServer((request, response) => {
    const { method = "GET", headers: asked } = request;
    const found = answer({ path: pathOf(request.url), method, etag: asked["if-none-match"] });
    response.writeHead(found.status, found.headers).end(found.body);
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
