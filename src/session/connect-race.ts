import type { TransportName } from "../transports/transport.ts";
import { type ConnectOptions, connectWith } from "./connect.ts";
import type { Wakeups } from "./connector.ts";
import type { Dial } from "./dialing.ts";
import { type Contender, noteChoice, Race, type TransportChoice } from "./race.ts";
import type { Session } from "./session.ts";

/** How a client connects to an `https:` URL, in every runtime. */
export interface RaceConnectOptions extends ConnectOptions {
  /** For an `https:` URL: where the same server listens for WebSocket. Default: the same URL with `wss:`. */
  readonly webSocketUrl?: string | URL;
  /** For an `https:` URL: how long WebTransport is tried alone, ms. Default 500. */
  readonly headStartMs?: number;
  /** Called with each choice of a transport, and why: see `choiceOf`. */
  readonly onChoice?: (choice: TransportChoice) => void;
}

/** Which transport carried the last session to an origin. */
export interface Winners {
  recall(origin: string): TransportName | undefined;
  remember(origin: string, winner: TransportName): void;
}

/** What a runtime brings to a race. */
export interface RaceWays {
  readonly webSocket: Dial;
  /** The dial, or why there is none. */
  readonly webTransport: Dial | { readonly missing: string };
  /** Why WebSocket goes first, where it does. */
  readonly webSocketFirst?: string | undefined;
  readonly winners: Winners;
}

/** Where WebSocket is dialed for an `http:` or `https:` URL. */
export function webSocketUrlOf(url: URL, { webSocketUrl }: RaceConnectOptions): string {
  return String(webSocketUrl ?? url.href.replace(/^http/, "ws"));
}

/** Connect by WebTransport or WebSocket, whichever answers first; by WebSocket alone where the other one is missing. */
export async function connectByRace(
  url: URL,
  { webSocket, webTransport, webSocketFirst, winners }: RaceWays,
  options: RaceConnectOptions,
  wakeups?: Wakeups,
): Promise<Session> {
  const { headStartMs, onChoice } = options;
  if (typeof webTransport !== "function") {
    const choice: TransportChoice = {
      transport: "websocket",
      reasons: [webTransport.missing],
      contenders: [],
    };
    const session = await connectWith(webSocket, options, wakeups);
    noteChoice(session, { choice });
    onChoice?.(choice);
    return session;
  }
  const native: Contender = { name: "webtransport", dial: webTransport };
  const fallback: Contender = { name: "websocket", dial: webSocket };
  const asUsual = webSocketFirst === undefined;
  const race = new Race(asUsual ? [native, fallback] : [fallback, native], {
    reasons: asUsual ? [] : [webSocketFirst],
    lastWinner: asUsual ? winners.recall(url.origin) : undefined,
    remember: (winner) => winners.remember(url.origin, winner),
    headStartMs,
    onChoice,
  });
  const onSession = (session: Session) => {
    race.watch(session);
    options.onSession?.(session);
  };
  return connectWith(race, { ...options, onSession }, wakeups);
}
