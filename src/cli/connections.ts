import type { Codec } from "../core/codecs/codec.ts";
import { json } from "../core/codecs/json.ts";
import { msgpackCodec } from "../core/codecs/msgpack.ts";
import { rawCodec } from "../core/codecs/raw.ts";
import { connect } from "../node/dial.ts";
import { client } from "../rpc/client.ts";
import { BENCH } from "../services/bench.ts";
import type { Session } from "../session/session.ts";
import type { TimeHistogram } from "./latency.ts";
import type { MakeCall } from "./load.ts";
import { tokenOf } from "./usage.ts";

/** The preferred one first: what costs least says most of the server. */
const CODECS: readonly Codec[] = [rawCodec as Codec, msgpackCodec(), json];

/** Connections that are being opened at a time. */
const OPENING = 32;

/** Open connections of a load. */
export interface Connections {
  /** Makes a call over each of them. */
  readonly calls: readonly MakeCall[];
  /** Name of the codec that the calls use. */
  readonly codec: string;
  close(): Promise<void>;
}

/**
 * Open connections, and make one call over the first, so that a server that offers no {@link BENCH} is found at once.
 * @param times - gets how long each took to open
 * @param onOpen - hears how many are open
 * @throws what `connect` or the call throws; every connection is closed then.
 */
export async function openConnections(
  {
    url,
    connections,
    size,
    token,
  }: {
    readonly url: string;
    readonly connections: number;
    readonly size: number;
    readonly token: string | undefined;
  },
  times: TimeHistogram,
  onOpen: (open: number) => void,
): Promise<Connections> {
  const sessions: Session[] = [];
  const close = async () => {
    await Promise.all(sessions.map((session) => session.close()));
  };
  let begun = 0;
  const open = async () => {
    while (begun++ < connections) {
      const start = performance.now();
      sessions.push(await connect(url, { codecs: CODECS, agent: "tideway-bench", ...tokenOf(token) }));
      times.record(performance.now() - start);
      onOpen(sessions.length);
    }
  };
  try {
    const outcomes = await Promise.allSettled(Array.from({ length: Math.min(OPENING, connections) }, open));
    for (const outcome of outcomes) if (outcome.status === "rejected") throw outcome.reason;
    const known = (sessions[0] as Session).peer?.codecs ?? [];
    const codec = CODECS.find(({ name }) => known.includes(name))?.name ?? "none";
    const calls = sessions.map((session) => toCall(session, codec, size));
    await (calls[0] as MakeCall)();
    return { calls, codec, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** @returns what makes one call and checks its answer. */
function toCall(session: Session, codec: string, size: number): MakeCall {
  const { echo } = client(session, BENCH).tideway.bench;
  const asText = codec === "json";
  const text = "x".repeat(Math.max(0, size - 2)); // and two quotation marks
  const bytes = new Uint8Array(size).map((_, index) => index & 255);
  return async () => {
    const answer = await echo(asText ? text : bytes);
    const length = (answer as { readonly length?: unknown } | undefined)?.length;
    if (length !== (asText ? text.length : size)) {
      throw new TypeError(`Cannot count answer: its length is ${String(length)}, not ${size}`);
    }
  };
}
