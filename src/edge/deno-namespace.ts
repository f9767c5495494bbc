/** Where a connection comes from or goes to. */
export interface DenoAddress {
  readonly transport: string;
  readonly hostname?: string;
  readonly port?: number;
  readonly path?: string;
}

/** An open TCP connection or Unix socket. */
export interface DenoConn {
  readonly localAddr: DenoAddress;
  readonly remoteAddr: DenoAddress;
  /** @returns bytes read; `null` at the end. */
  read(into: Uint8Array): Promise<number | null>;
  /** @returns bytes written: at least one. */
  write(bytes: Uint8Array): Promise<number>;
  closeWrite(): Promise<void>;
  close(): void;
  setNoDelay?(on: boolean): void;
  /** Of TLS: resolves when the handshake is done; fails with what is wrong with the certificate. */
  handshake?(): Promise<unknown>;
}

/** What accepts connections. */
export interface DenoListener {
  readonly addr: DenoAddress;
  accept(): Promise<DenoConn>;
  close(): void;
}

/** An HTTP server. */
export interface DenoHttpServer {
  readonly addr: DenoAddress;
  /** Take no more connections and requests, and cut WebSockets. @returns when the requests that run have ended. */
  shutdown(): Promise<void>;
  /** Do not keep the process alive. */
  unref(): void;
}

/** What is known of a request beside itself. */
export interface DenoRequestInfo {
  readonly remoteAddr: DenoAddress;
}

/** How an HTTP server is made. */
export interface DenoHttpOptions {
  readonly hostname: string;
  readonly port: number;
  readonly onListen: () => void;
  /** PEM, for TLS. */
  readonly cert?: string;
  readonly key?: string;
}

/** Where to listen or to dial. */
export type DenoTarget =
  | { readonly transport?: "tcp"; readonly hostname: string; readonly port: number }
  | { readonly transport: "unix"; readonly path: string };

/** Where to listen or to dial with TLS. */
export interface DenoTlsTarget {
  readonly hostname: string;
  readonly port: number;
  readonly alpnProtocols: readonly string[];
}

/** What is used of the global `Deno`, whose own types are no part of this package. */
export interface DenoNamespace {
  serve(
    options: DenoHttpOptions,
    handler: (request: Request, info: DenoRequestInfo) => Response,
  ): DenoHttpServer;
  upgradeWebSocket(
    request: Request,
    options: { readonly protocol?: string; readonly idleTimeout: number },
  ): { readonly socket: WebSocket; readonly response: Response };
  listen(target: DenoTarget): DenoListener;
  connect(target: DenoTarget): Promise<DenoConn>;
  listenTls(target: DenoTlsTarget & { readonly cert: string; readonly key: string }): DenoListener;
  connectTls(target: DenoTlsTarget & { readonly caCerts: readonly string[] }): Promise<DenoConn>;
  /** What a `WebSocket` takes as `client`. */
  createHttpClient(options: { readonly caCerts: readonly string[] }): object;
  removeSync(path: string): void;
}

/**
 * The global `Deno`.
 * @throws {TypeError} in another runtime.
 */
export function denoNamespace(): DenoNamespace {
  const { Deno } = globalThis as { readonly Deno?: DenoNamespace };
  if (Deno === undefined) throw new TypeError("Cannot use tideway/deno: this runtime is not Deno");
  return Deno;
}
