import { acceptWith } from "../session/accept.ts";
import { connectWith } from "../session/connect.ts";
import { type ResolvedOptions, resolveOptions } from "../session/options.ts";
import type { Session } from "../session/session.ts";
import { MessagePortTransport, type PortLike, type PortSurroundings } from "../transports/message-port.ts";
import type { Transport } from "../transports/transport.ts";
import type { PortAcceptOptions, PortConnectOptions } from "./options.ts";

/** Open a session over a port: `connectPort` of each runtime. */
export function connectOver(
  port: PortLike,
  options: PortConnectOptions,
  surroundings: PortSurroundings,
): Promise<Session> {
  const dial = async () => new MessagePortTransport(port, options, surroundings);
  return connectWith(dial, { ...options, reconnect: false });
}

/** Take a session over a port: `acceptPort` of each runtime. */
export function acceptOver(
  port: PortLike,
  options: PortAcceptOptions,
  surroundings: PortSurroundings,
  resolved: ResolvedOptions = resolveOptions(options),
): Session {
  return acceptTransport(new MessagePortTransport(port, options, surroundings), options, resolved);
}

/** Take a session over a transport from another thread. */
export function acceptTransport(
  transport: Transport,
  options: PortAcceptOptions,
  resolved: ResolvedOptions,
): Session {
  const { authenticate, onSession, services = [] } = options;
  return acceptWith(
    transport,
    {
      ...(authenticate === undefined ? {} : { authenticate }),
      onSession: (session) => {
        for (const service of services) service.attach(session);
        return onSession?.(session); // a promise where it is asynchronous
      },
    },
    resolved,
  );
}
