/** What is known of an engine, as far as the choice of a transport goes. */
export interface EngineQuirk {
  readonly engine: string;
  /** Whether `agent` is one of them. */
  matches(agent: EngineAgent): boolean;
  readonly reason: string;
}

/** What tells engines apart. */
export interface EngineAgent {
  readonly userAgent: string;
  /** Fingers that the screen feels; an iPad says that it is a Mac. */
  readonly maxTouchPoints: number;
}

/** Engines in which WebSocket is tried first, because their WebTransport opens and then breaks. */
export const WEBSOCKET_FIRST: readonly EngineQuirk[] = [
  {
    engine: "webkit",
    matches: ({ userAgent, maxTouchPoints }) =>
      /\biP(hone|ad|od)\b/.test(userAgent) ||
      (/Macintosh/.test(userAgent) && maxTouchPoints > 1) ||
      (/AppleWebKit\//.test(userAgent) && !/Chrom(e|ium)\/|Android|Deno/.test(userAgent)),
    reason: "WebKit stops reading after about 16 MiB of a WebTransport session (WebKit bug 319818)",
  },
];

/** The quirk of the engine that this code runs in; `undefined` when none is known. */
export function findQuirk(agent: EngineAgent | undefined = globalThis.navigator): EngineQuirk | undefined {
  if (agent === undefined) return undefined;
  const { userAgent = "", maxTouchPoints = 0 } = agent;
  return WEBSOCKET_FIRST.find((quirk) => quirk.matches({ userAgent, maxTouchPoints }));
}
