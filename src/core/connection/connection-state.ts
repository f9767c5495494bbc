import * as FrameType from "../wire/frame-type.ts";

/**
 * Where a connection stands.
 *
 *     opening         no HELLO from the peer yet; a client has sent its own, and may send early data
 *     authenticating  server: HELLO is here, the application has not decided; what follows is kept unread
 *     resuming        both HELLOs are exchanged, the peer's RESUME is not here whole: no stream moves
 *     open            both HELLOs are exchanged
 *     closing         CLOSE goes out; nothing is read any more
 *     closed          over
 */
export type ConnectionState = "opening" | "authenticating" | "resuming" | "open" | "closing" | "closed";

/** Frame types that the peer may send in each state; anything else is a ProtocolError. */
const ALLOWED: Readonly<Record<ConnectionState, number>> = {
  opening: bits(FrameType.HELLO, FrameType.CLOSE),
  authenticating: 0,
  resuming: bits(
    FrameType.RESUME,
    FrameType.PING,
    FrameType.PONG,
    FrameType.DATAGRAM,
    FrameType.GOAWAY,
    FrameType.CLOSE,
    FrameType.EXTENSION,
  ),
  open: bits(
    FrameType.OPEN,
    FrameType.DATA,
    FrameType.WINDOW,
    FrameType.RESET,
    FrameType.STOP,
    FrameType.PING,
    FrameType.PONG,
    FrameType.DATAGRAM,
    // A client can have sent it before it heard that its session is not known.
    FrameType.RESUME,
    FrameType.GOAWAY,
    FrameType.CLOSE,
    FrameType.LANE,
    FrameType.EXTENSION,
  ),
  closing: 0,
  closed: 0,
};

function bits(...types: number[]): number {
  return types.reduce((set, type) => set | (1 << type), 0);
}

/** Whether the peer may send a frame of `type` while this side is in `state`. */
export function allows(state: ConnectionState, type: number): boolean {
  return (ALLOWED[state] & (1 << type)) !== 0;
}
