import { SUBPROTOCOL } from "../core/wire/hello.ts";
import { type HostOptions, type ServerCloseOptions, SessionHost } from "../rpc/host.ts";
import { HostedServer, OpenConnections } from "../rpc/hosted-server.ts";
import type { Place } from "../session/admission.ts";
import type { Session } from "../session/session.ts";
import type { SessionStore } from "../session/store.ts";
import {
  type ClientRequest,
  headOf,
  offersTideway,
  refusalResponse,
  upgradeProblem,
} from "../transports/upgrade-request.ts";
import { WebSocketTransport } from "../transports/websocket.ts";

/** How a Worker takes sessions. They cannot outlive the request that they came by, so none is kept after a loss. */
export type WorkerOptions = Omit<HostOptions<ClientRequest>, "resume">;

/** How a Durable Object takes sessions. */
export type DurableOptions = HostOptions<ClientRequest>;

/** The server's end of a pair, which is not open before `accept`. */
interface WorkerSocket extends WebSocket {
  accept(): void;
}

/** What is used of the globals of workerd, whose own types are no part of this package. */
interface WorkerGlobals {
  readonly WebSocketPair?: new () => { readonly 0: WebSocket; readonly 1: WorkerSocket };
}

/** What makes a response the end of a WebSocket. */
interface WorkerResponseInit extends ResponseInit {
  readonly webSocket: WebSocket;
}

/** How long `close` waits for connections whose peer does not answer, ms. */
const CLOSE_GRACE_MS = 5_000;

/** Where the runtime says whence a request came. */
const ADDRESS_HEADER = "cf-connecting-ip";

/** The hosts of plain Workers: one for each object of options, so that limits count over all requests of an isolate. */
const HOSTS: WeakMap<WorkerOptions, SessionHost<ClientRequest>> = new WeakMap();

/**
 * Take an upgrade request in a plain Worker. Its session lives as long as its connection: another request, which may
 * come to another machine, cannot carry it on. For sessions that survive a loss use {@link DurableSessions}.
 * @param options - the same object for every request
 * @returns 101 with the WebSocket, or why not: 400, 403, 404, 426, 429, 503.
 */
export function handleUpgrade(request: Request, options: WorkerOptions): Response {
  let host = HOSTS.get(options);
  if (host === undefined) {
    host = new SessionHost<ClientRequest>({ ...options, resume: false });
    HOSTS.set(options, host);
  }
  const { address, refused } = check(request, host);
  return refused ?? upgrade(request, host, host.enter(address), address);
}

/**
 * The sessions of one Durable Object: make one in its constructor and hand it the upgrade requests. Sessions whose
 * connection was lost are kept in the object, for as long as it lives. Open sessions keep it in memory: they do not
 * hibernate.
 */
export class DurableSessions {
  readonly #host: SessionHost<ClientRequest>;
  readonly #connections: OpenConnections<ClientRequest>;
  readonly #server: HostedServer<ClientRequest>;

  /** @throws {RangeError} when a limit is out of its bounds; {@link TypeError} for an origin or host that matches nothing. */
  constructor(options: DurableOptions) {
    this.#host = new SessionHost(options);
    this.#connections = new OpenConnections(this.#host);
    this.#server = new HostedServer(this.#host, [], {
      stop: () => {}, // the host refuses from now on
      finish: async () => {
        await this.#connections.end(CLOSE_GRACE_MS);
        this.#connections.leaveAll();
      },
    });
  }

  /** The sessions that were let in. */
  get sessions(): ReadonlySet<Session> {
    return this.#server.sessions;
  }

  /** Where sessions are kept whose connection was lost; `undefined` when none is. */
  get store(): SessionStore | undefined {
    return this.#server.store;
  }

  /** Open connections, those included that are not let in yet. */
  get connections(): number {
    return this.#server.connections;
  }

  /** Take an upgrade request. @returns 101 with the WebSocket, or why not: 400, 403, 426, 429, 503. */
  fetch(request: Request): Response {
    const { address, refused } = check(request, this.#host);
    return refused ?? upgrade(request, this.#host, this.#connections.enter(address), address);
  }

  /** Take no new connections, let open streams end for a while, then close every session. */
  close(options: ServerCloseOptions = {}): Promise<void> {
    return this.#server.close(options);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function check(
  request: Request,
  host: SessionHost<ClientRequest>,
): { readonly address: string; readonly refused: Response | undefined } {
  const address = request.headers.get(ADDRESS_HEADER) ?? "";
  const refusal = upgradeProblem(request, undefined) ?? host.check(headOf(request), address);
  return { address, refused: refusal === undefined ? undefined : refusalResponse(refusal) };
}

function upgrade(
  request: Request,
  host: SessionHost<ClientRequest>,
  place: Place,
  address: string,
): Response {
  const { WebSocketPair } = globalThis as WorkerGlobals;
  if (WebSocketPair === undefined)
    throw new TypeError("Cannot use tideway/workers: this runtime is not workerd");
  const pair = new WebSocketPair();
  const socket = pair[1];
  socket.accept();
  socket.addEventListener("close", () => place.leave());
  socket.addEventListener("error", () => place.leave()); // after which no `close` comes
  const { url, headers } = request;
  host.accept(new WebSocketTransport(socket), { url, headers, address }, place);
  const init: WorkerResponseInit = {
    status: 101,
    webSocket: pair[0],
    headers: offersTideway(request) ? { "sec-websocket-protocol": SUBPROTOCOL } : {},
  };
  return new Response(null, init);
}
