import type { Bytes } from "../core/bytes.ts";
import { Connection } from "../core/connection.ts";
import type { WireError } from "../core/errors.ts";
import type { SessionEvent } from "../core/events.ts";
import type { Mux } from "../core/mux.ts";
import type { Role } from "../core/stream-table.ts";
import { Drive } from "../transports/drive.ts";
import type { Transport, TransportName } from "../transports/transport.ts";
import type { ResolvedOptions } from "./options.ts";

/** One connection of a session, with the transport that carries it. */
export class Link {
  readonly connection: Connection;
  readonly transport: TransportName;
  readonly #drive: Drive;

  /**
   * Take over an open transport and say HELLO.
   * @param mux - the streams that it carries
   * @param onEvent - hears every event; must not throw
   */
  constructor(
    role: Role,
    transport: Transport,
    mux: Mux,
    options: ResolvedOptions,
    token: Bytes | undefined,
    onEvent: (event: SessionEvent) => void,
  ) {
    this.transport = transport.name;
    this.connection = new Connection({
      role,
      messageBoundaries: transport.capabilities.messageBoundaries,
      limits: options.limits,
      codecs: options.codecs.map((codec) => codec.name),
      agent: options.agent,
      mux,
      now: options.clock.now(),
      ...(token === undefined ? {} : { token }),
      ...(options.pool === undefined ? {} : { pool: options.pool }),
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
