import type { ClientTls, ServerTls } from "../transports/tls-options.ts";

/** The server's end of a WebSocket. */
export interface BunWebSocket<Data> {
  readonly data: Data;
  readonly readyState: number;
  binaryType: "uint8array" | "arraybuffer" | "nodebuffer";
  /** @returns bytes that were sent; -1 when they wait, 0 when they were dropped. */
  send(bytes: Uint8Array): number;
  /** Bytes that wait. */
  getBufferedAmount(): number;
  close(code: number, reason: string): void;
  terminate(): void;
}

/** What the WebSockets of a server are told. */
export interface BunWebSocketHandler<Data> {
  /** Silence after which a socket is ended, s; 0 for never. */
  readonly idleTimeout: number;
  readonly sendPings: boolean;
  readonly perMessageDeflate: boolean;
  readonly maxPayloadLength: number;
  /** Bytes that may wait; what is beyond them is dropped. */
  readonly backpressureLimit: number;
  open(socket: BunWebSocket<Data>): void;
  message(socket: BunWebSocket<Data>, message: string | Uint8Array): void;
  drain(socket: BunWebSocket<Data>): void;
  close(socket: BunWebSocket<Data>, code: number, reason: string): void;
}

/** An HTTP server. */
export interface BunHttpServer<Data> {
  readonly port: number;
  upgrade(
    request: Request,
    options: { readonly data: Data; readonly headers?: Readonly<Record<string, string>> },
  ): boolean;
  requestIP(request: Request): { readonly address: string } | null;
  stop(closeActiveConnections?: boolean): Promise<void>;
}

/** How an HTTP server is made. */
export interface BunHttpOptions<Data> {
  readonly hostname: string;
  readonly port: number;
  fetch(request: Request, server: BunHttpServer<Data>): Response | undefined;
  readonly websocket: BunWebSocketHandler<Data>;
  readonly tls?: ServerTls;
}

/** A TCP connection or Unix socket. */
export interface BunSocket<Data> {
  data: Data;
  readonly remoteAddress?: string;
  /** @returns bytes that were taken: fewer than given when the kernel is full, and `drain` follows. */
  write(bytes: Uint8Array): number;
  /** Send the end behind what was written. */
  shutdown(): void;
  terminate(): void;
  pause(): void;
  resume(): void;
  setNoDelay?(on: boolean): boolean;
}

/** What a socket is told. */
export interface BunSocketHandler<Data> {
  open(socket: BunSocket<Data>): void;
  data(socket: BunSocket<Data>, bytes: Uint8Array): void;
  drain(socket: BunSocket<Data>): void;
  /** The peer sends nothing any more. */
  end(socket: BunSocket<Data>): void;
  close(socket: BunSocket<Data>, error?: unknown): void;
  error(socket: BunSocket<Data>, error: unknown): void;
  /**
   * With TLS, after which alone something may be written: what is written before is lost (Bun 1.4.5).
   * @param error - what is wrong with the peer's certificate; servers hear of that, too, where there is none
   */
  handshake?(socket: BunSocket<Data>, success: boolean, error: unknown): void;
  connectError?(socket: BunSocket<Data>, error: unknown): void;
}

/** Where to listen or to dial. */
export type BunTarget = { readonly hostname: string; readonly port: number } | { readonly unix: string };

/** How sockets are made. */
export type BunSocketOptions<Data> = BunTarget & {
  readonly socket: BunSocketHandler<Data>;
  readonly data: Data;
  /** Whether the peer's end leaves this side open. */
  readonly allowHalfOpen: boolean;
  /** A client trusts whom the runtime knows with `true`, and has no TLS at all with an empty object (Bun 1.4.5). */
  readonly tls?: ServerTls | ClientTls | true;
};

/** What accepts connections. */
export interface BunListener {
  readonly port: number;
  stop(closeActiveConnections?: boolean): void;
}

/** What is used of the global `Bun`, whose own types are no part of this package. */
export interface BunNamespace {
  serve<Data>(options: BunHttpOptions<Data>): BunHttpServer<Data>;
  listen<Data>(options: BunSocketOptions<Data>): BunListener;
  connect<Data>(options: BunSocketOptions<Data>): Promise<BunSocket<Data>>;
}

/**
 * The global `Bun`.
 * @throws {TypeError} in another runtime.
 */
export function bunNamespace(): BunNamespace {
  const { Bun } = globalThis as { readonly Bun?: BunNamespace };
  if (Bun === undefined) throw new TypeError("Cannot use tideway/bun: this runtime is not Bun");
  return Bun;
}
