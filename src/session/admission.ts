/** Whom a server lets in by what the upgrade request says. */
export interface AdmissionOptions {
  /**
   * Pages that may connect, as `https://host[:port]`; `"*"` for all, `"same-origin"` for pages from this server's
   * own host. A request without `Origin`, which no browser sends, is let in. Default `"same-origin"`.
   */
  readonly origins?: "*" | "same-origin" | readonly string[];
  /**
   * Values of the `Host` header that are served, without port, against DNS rebinding. Default: any. A connection
   * without an HTTP request, such as one over TCP or IPC, has no such header and comes from no browser: `hosts` and
   * `origins` do not concern it.
   */
  readonly hosts?: readonly string[];
  /** Open connections of all clients. Default 10,000. */
  readonly maxConnections?: number;
  /** Open connections of one address that are not let in yet. Default 64. */
  readonly maxPendingPerAddress?: number;
}

/** What an upgrade request says of itself. */
export interface RequestHead {
  readonly host?: string | undefined;
  readonly origin?: string | undefined;
}

/** A connection that was counted. Each call may come once or not. */
export interface Place {
  /** The client was let in. */
  letIn(): void;
  /** The connection is closed. */
  leave(): void;
}

/** An answer to an upgrade request that is refused. */
export interface Refusal {
  readonly status: 400 | 403 | 404 | 429 | 503;
  readonly reason: string;
}

/** The defaults. Source: docs/protocol.md, section 8 (T32, T44). */
export const DEFAULT_ADMISSION: Required<Omit<AdmissionOptions, "hosts">> = {
  origins: "same-origin",
  maxConnections: 10_000,
  maxPendingPerAddress: 64,
};

/** Counts connections and decides on upgrade requests. */
export class Admission {
  readonly #options: AdmissionOptions & typeof DEFAULT_ADMISSION;
  readonly #pending: Map<string, number> = new Map();
  #open = 0;

  /** @throws {TypeError} when an origin or a host cannot match any header. */
  constructor(options: AdmissionOptions) {
    const { origins = DEFAULT_ADMISSION.origins, hosts } = options;
    const named = origins !== "*" && origins !== "same-origin";
    this.#options = {
      origins: named ? [origins].flat().map(normalOrigin) : origins,
      maxConnections: options.maxConnections ?? DEFAULT_ADMISSION.maxConnections,
      maxPendingPerAddress: options.maxPendingPerAddress ?? DEFAULT_ADMISSION.maxPendingPerAddress,
      ...(hosts === undefined ? {} : { hosts: hosts.map(normalHost) }),
    };
  }

  /** Connections that are open, those included that are not let in yet. */
  get open(): number {
    return this.#open;
  }

  /**
   * Why a client is refused; `undefined` when it may go on.
   * @param head - the request that it came by; `undefined` where its transport has none: TCP, TLS, IPC
   * @param address - where it comes from; empty where that is not known, and then all such clients count as one
   */
  check(head: RequestHead | undefined, address: string): Refusal | undefined {
    const { maxConnections, maxPendingPerAddress } = this.#options;
    const refusal = head === undefined ? undefined : this.checkHead(head);
    if (refusal !== undefined) return refusal;
    if (this.#open >= maxConnections) return { status: 503, reason: "Too many connections" };
    if ((this.#pending.get(address) ?? 0) >= maxPendingPerAddress)
      return { status: 429, reason: "Too many handshakes" };
    return undefined;
  }

  /** What is wrong with a request, whatever room there is; for one that comes after its connection was counted. */
  checkHead({ host, origin }: RequestHead): Refusal | undefined {
    const { hosts } = this.#options;
    if (hosts !== undefined && !hosts.includes(hostname(host)))
      return { status: 403, reason: "Host is not served" };
    if (origin !== undefined && !this.#allows(origin, host))
      return { status: 403, reason: "Origin is not allowed" };
    return undefined;
  }

  #allows(origin: string, host: string | undefined): boolean {
    const { origins } = this.#options;
    if (origins === "*") return true;
    if (origins !== "same-origin") return origins.includes(origin.toLowerCase());
    try {
      return new URL(origin).host === host?.toLowerCase();
    } catch {
      return false;
    }
  }

  /** Count a connection. */
  enter(address: string): Place {
    this.#open++;
    this.#pending.set(address, (this.#pending.get(address) ?? 0) + 1);
    let pending = true;
    const letIn = () => {
      if (!pending) return;
      pending = false;
      const count = (this.#pending.get(address) ?? 1) - 1;
      if (count === 0) this.#pending.delete(address);
      else this.#pending.set(address, count);
    };
    let left = false;
    const leave = () => {
      letIn();
      if (!left) this.#open--;
      left = true;
    };
    return { letIn, leave };
  }
}

/** An origin as browsers write it. */
function normalOrigin(origin: string): string {
  const normal = origin.toLowerCase().replace(/\/$/, "");
  if (!/^[a-z][a-z0-9+.-]*:\/\/[^/]+$/.test(normal)) {
    throw new TypeError(`Cannot allow origin ${JSON.stringify(origin)}: expected https://host[:port]`);
  }
  return normal;
}

function normalHost(host: string): string {
  const normal = host.toLowerCase();
  if (hostname(normal) !== normal) {
    throw new TypeError(`Cannot serve host ${JSON.stringify(host)}: expected a name without port`);
  }
  return normal;
}

/** The `Host` header without its port. */
function hostname(host: string | undefined): string {
  if (host === undefined) return "";
  const end = host.startsWith("[") ? host.indexOf("]") + 1 : host.indexOf(":");
  return (end > 0 ? host.slice(0, end) : host).toLowerCase();
}
