/** Where a byte stream is listened for, or dialed. */
export type SocketAddress =
  | { readonly kind: "tcp"; readonly hostname: string; readonly port: number }
  | { readonly kind: "unix"; readonly path: string };

/** Whether `url` names a byte stream: `tcp:` or `unix:`. */
export function isSocketAddress(url: string | URL): boolean {
  return /^(tcp|unix):/i.test(String(url));
}

/**
 * Take apart `tcp://host:port` or `unix:/path/of/a/socket`.
 * @param verb - what the address is for, for the message of an error
 * @throws {TypeError} for an address that is not understood.
 */
export function parseSocketAddress(url: string | URL, verb: "listen on" | "connect to"): SocketAddress {
  const text = String(url);
  const parsed = URL.canParse(text) ? new URL(text) : undefined;
  if (parsed?.protocol === "tcp:" && parsed.hostname !== "" && parsed.port !== "")
    return {
      kind: "tcp",
      hostname: parsed.hostname.replace(/^\[|\]$/g, ""),
      port: Number(parsed.port),
    };
  const path = decodeURIComponent(parsed?.pathname ?? "");
  if (parsed?.protocol === "unix:" && path.startsWith("/")) return { kind: "unix", path };
  throw new TypeError(`Cannot ${verb} ${text}: expected tcp://host:port or unix:/path/of/a/socket`);
}
