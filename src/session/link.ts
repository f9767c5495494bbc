import { Connection } from "../core/connection/connection.ts";
import type { ConnectionOptions } from "../core/connection/connection-options.ts";
import type { WireError } from "../core/errors.ts";
import type { SessionEvent } from "../core/events.ts";
import type { Role } from "../core/streams/stream-table.ts";
import { Drive } from "../transports/drive.ts";
import type { Transport, TransportName } from "../transports/transport.ts";
import type { ResolvedOptions } from "./options.ts";

/** What a connection of a session brings beside what all of them share: streams, credentials, what it carries on. */
export type LinkOptions = Pick<
  ConnectionOptions,
  "mux" | "claim" | "resume" | "resumeMs" | "token" | "watch"
>;

/** What never leaves the machine: copying bytes costs less there than making fewer of them. */
const SAME_MACHINE: ReadonlySet<TransportName> = new Set(["ipc", "message-port", "ring", "memory"]);

/** One connection of a session, with the transport that carries it. */
export class Link {
  readonly connection: Connection;
  readonly transport: TransportName;
  /** Client: what opening the transport took, and then HELLO and its answer, ms; see {@link SessionStats}. */
  dialMs: number | undefined;
  handshakeMs: number | undefined;
  readonly #drive: Drive;

  /**
   * Take over an open transport and say HELLO.
   * @param onEvent - hears every event; must not throw
   */
  constructor(
    role: Role,
    transport: Transport,
    options: ResolvedOptions,
    own: LinkOptions,
    onEvent: (event: SessionEvent) => void,
  ) {
    this.transport = transport.name;
    const { compression } = options;
    const compresses = compression?.sameMachine === true || !SAME_MACHINE.has(transport.name);
    this.connection = new Connection({
      role,
      messageBoundaries: transport.capabilities.messageBoundaries,
      lanes: transport.capabilities.lanes - 1,
      twoParts: transport.writeParts !== undefined,
      limits: options.limits,
      codecs: options.codecs.map((codec) => codec.name),
      agent: options.agent,
      now: options.clock.now(),
      compression: compresses ? compression?.open() : undefined,
      pool: transport.room ?? options.pool,
      ...own,
    });
    this.#drive = new Drive(this.connection, transport, onEvent, options.clock);
    this.#drive.start();
  }

  /** Bytes that the transport holds; `undefined` where it cannot tell. */
  get bufferedBytes(): number | undefined {
    return this.#drive.bufferedBytes;
  }

  /** Give the transport up, as if it had been lost. */
  abandon(error: WireError): void {
    this.#drive.abandon(error);
  }
}
