import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

/** Which way bytes go through the proxy. */
export type Direction = "clientToServer" | "serverToClient";

/**
 * How a connection is harmed, always towards both sides:
 *
 *     fin      the sockets end in order, behind all bytes that were let through
 *     reset    the sockets are reset, which may take bytes with it that the other side has not read yet
 *     freeze   nothing goes through any more, and nobody is told
 */
export type FaultKind = "fin" | "reset" | "freeze";

/** A fault to come. */
export interface Fault {
  readonly kind: FaultKind;
  /** The bytes that are let through before; "both" counts the sum of the two directions. */
  readonly direction: Direction | "both";
  readonly byte: number;
  /** When the sockets of a freeze are destroyed, ms after it. Default: when the proxy closes. */
  readonly destroyAfterMs?: number;
}

/**
 * A TCP proxy that harms connections at a byte that is known. Each planned fault strikes once, in turn: the first
 * connection that reaches its byte. Connections between two faults pass.
 */
export class ChaosProxy {
  /** Where it listens; 0 where that is a path. */
  readonly port: number;
  /** Connections taken so far. */
  connections = 0;
  /** Bytes let through so far, over all connections. */
  readonly bytes: Record<Direction, number> = { clientToServer: 0, serverToClient: 0 };
  /** The faults that have struck, in order. */
  readonly fired: Fault[] = [];
  /** The faults to come. */
  readonly plan: Fault[];
  readonly #server: Server;
  readonly #relays: Set<Relay> = new Set();

  /**
   * Listen in front of a server.
   * @param target - its port, or the path of its Unix socket
   * @param path - the Unix socket to listen on, which cannot be reset; a free port by default
   */
  static async open(
    target: number | string,
    plan: readonly Fault[] = [],
    path?: string,
  ): Promise<ChaosProxy> {
    const server = createServer({ allowHalfOpen: true });
    server.listen(path === undefined ? { port: 0, host: "127.0.0.1" } : { path });
    await once(server, "listening");
    return new ChaosProxy(server, target, plan);
  }

  constructor(server: Server, target: number | string, plan: readonly Fault[]) {
    this.#server = server;
    const address = server.address() as AddressInfo | string;
    this.port = typeof address === "string" ? 0 : address.port;
    this.plan = [...plan];
    server.on("connection", (client) => {
      this.connections++;
      const relay = new Relay(
        client,
        connect({
          ...(typeof target === "string" ? { path: target } : { port: target, host: "127.0.0.1" }),
          allowHalfOpen: true,
        }),
        this,
      );
      this.#relays.add(relay);
      void relay.closed.then(() => this.#relays.delete(relay));
    });
  }

  /** Connections of which a socket is open. */
  get open(): number {
    return this.#relays.size;
  }

  /** Harm every connection that passes now. @returns how many those were. */
  strike(kind: FaultKind): number {
    const passing = [...this.#relays].filter((relay) => relay.passing);
    for (const relay of passing) relay.strike({ kind, direction: "both", byte: relay.passed });
    return passing.length;
  }

  /** Close every socket. */
  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    await Promise.all([...this.#relays].map((relay) => relay.destroy()));
    await closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** One connection: a socket to either side. */
class Relay {
  /** Resolves when both sockets are closed. */
  readonly closed: Promise<unknown>;
  passing = true;
  readonly #proxy: ChaosProxy;
  readonly #sockets: readonly [Socket, Socket];
  readonly #bytes: Record<Direction, number> = { clientToServer: 0, serverToClient: 0 };
  #timer: NodeJS.Timeout | undefined;

  constructor(client: Socket, server: Socket, proxy: ChaosProxy) {
    this.#proxy = proxy;
    this.#sockets = [client, server];
    this.closed = Promise.all(
      this.#sockets.map((socket) => new Promise<void>((resolve) => socket.on("close", () => resolve()))),
    );
    this.#pump(client, server, "clientToServer");
    this.#pump(server, client, "serverToClient");
    this.#strikeWhenDue();
  }

  /** Bytes that have passed in both directions. */
  get passed(): number {
    return this.#bytes.clientToServer + this.#bytes.serverToClient;
  }

  #pump(from: Socket, to: Socket, direction: Direction): void {
    from.setNoDelay(true);
    from.on("data", (chunk: Buffer) => {
      if (!this.passing) return;
      const most = Math.min(chunk.length, this.#room(direction));
      this.#bytes[direction] += most;
      this.#proxy.bytes[direction] += most;
      if (most > 0 && !to.write(chunk.subarray(0, most))) from.pause();
      this.#strikeWhenDue();
    });
    to.on("drain", () => {
      if (this.passing) from.resume();
    });
    from.on("end", () => {
      if (this.passing) to.end();
    });
    from.on("error", () => {}); // `close` follows
    from.on("close", (hadError: boolean) => {
      if (!this.passing) return;
      if (hadError) reset(to);
      else to.end();
    });
  }

  /** Bytes that may still pass in `direction` before the next fault. */
  #room(direction: Direction): number {
    const [fault] = this.#proxy.plan;
    if (fault === undefined) return Number.POSITIVE_INFINITY;
    if (fault.direction === "both") return Math.max(0, fault.byte - this.passed);
    if (fault.direction !== direction) return Number.POSITIVE_INFINITY;
    return Math.max(0, fault.byte - this.#bytes[direction]);
  }

  #strikeWhenDue(): void {
    const [fault] = this.#proxy.plan;
    if (
      fault === undefined ||
      this.#room(fault.direction === "both" ? "clientToServer" : fault.direction) > 0
    ) {
      return;
    }
    this.#proxy.plan.shift();
    this.strike(fault);
  }

  strike(fault: Fault): void {
    this.passing = false;
    this.#proxy.fired.push(fault);
    switch (fault.kind) {
      case "fin":
        for (const socket of this.#sockets) socket.resume().end();
        return;
      case "reset":
        // Two rounds of the event loop, so that peers in this process read what has passed.
        setImmediate(() => setImmediate(() => this.#reset()));
        return;
      case "freeze":
        for (const socket of this.#sockets) socket.pause();
        if (fault.destroyAfterMs === undefined) return;
        this.#timer = setTimeout(() => void this.destroy(), fault.destroyAfterMs);
        return;
    }
  }

  #reset(): void {
    for (const socket of this.#sockets) reset(socket);
  }

  destroy(): Promise<unknown> {
    clearTimeout(this.#timer);
    this.passing = false;
    for (const socket of this.#sockets) socket.destroy();
    return this.closed;
  }
}

/** Unix sockets have no reset. */
function reset(socket: Socket): void {
  if (socket.remotePort === undefined) socket.destroy();
  else socket.resetAndDestroy();
}
