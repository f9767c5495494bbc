import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { INFO_PATH, type ServerInfo } from "../contract.ts";

/** A file that the server has in memory. */
export interface Asset {
  readonly type: string;
  readonly body: Buffer<ArrayBuffer>;
  readonly etag: string;
}

/** The files of the page by path. */
export type Assets = ReadonlyMap<string, Asset>;

const TYPES = {
  html: "text/html",
  css: "text/css",
  js: "text/javascript",
  json: "application/json",
  svg: "image/svg+xml",
} as const;

/** A file by its name, which gives its type. */
function asset(name: string, content: Uint8Array | string): Asset {
  const type = TYPES[name.slice(name.lastIndexOf(".") + 1) as keyof typeof TYPES];
  const body = Buffer.from(content as string);
  const etag = `"${createHash("sha256").update(body).digest("base64url").slice(0, 22)}"`;
  return { type: `${type}; charset=utf-8`, body, etag };
}

/** Files by the paths at which they are served. */
export function assetsOf(files: ReadonlyMap<string, Uint8Array>): Assets {
  const assets = new Map([...files].map(([name, body]) => [`/${name}`, asset(name, body)]));
  const index = assets.get("/index.html");
  if (index !== undefined) assets.set("/", index);
  return assets;
}

/** The same files, and what the server says of itself. */
export function withInfo(assets: Assets, info: ServerInfo): Assets {
  return new Map([...assets, [INFO_PATH, asset(INFO_PATH, JSON.stringify(info))]]);
}
