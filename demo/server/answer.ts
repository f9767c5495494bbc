import type { Asset, Assets } from "./asset.ts";

/** What of a request an answer depends on. */
interface Asked {
  readonly path: string;
  readonly method: string;
  /** Its `if-none-match`. */
  readonly etag: string | undefined;
}

/** What is answered, whatever sends it. */
interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Asset["body"] | string;
}

/**
 * Answers requests for files in memory.
 * @param elsewhere - origins that the page may connect to, beside its own
 */
export function answersFrom(assets: Assets, elsewhere: readonly string[] = []): (asked: Asked) => Answer {
  const security = securityHeaders(elsewhere);
  return ({ path, method, etag }) => {
    const found = assets.get(path);
    if (found === undefined) {
      const headers = { ...security, "content-type": "text/plain; charset=utf-8" };
      return { status: 404, headers, body: "Not found\n" };
    }
    if (method !== "GET" && method !== "HEAD")
      return { status: 405, headers: { ...security, allow: "GET, HEAD" } };
    const { type, body } = found;
    const headers = { ...security, "content-type": type, "cache-control": "no-cache", etag: found.etag };
    if (etag === found.etag) return { status: 304, headers };
    const length = { "content-length": String(body.length) };
    return { status: 200, headers: { ...headers, ...length }, ...(method === "HEAD" ? {} : { body }) };
  };
}

function securityHeaders(elsewhere: readonly string[]): Readonly<Record<string, string>> {
  // Scripts, styles and connections from this server alone, and nothing inline.
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    ["connect-src 'self'", ...elsewhere].join(" "),
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ];
  return {
    "content-security-policy": policy.join("; "),
    // An isolated page has a finer clock, which the latency panels want.
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
  };
}
