import type { Bytes, Peer } from "./peer.ts";

const PAYLOAD_BYTES = 64;
/** Round trips in a row: what one leaves to do is done before another one's turn. */
const BLOCK = 20;
const BULK_MESSAGE_BYTES = 64 * 1024;
const PROBE_EVERY_MS = 5;

/** Times of round trips by whose they are and how they went, ms. */
export type RoundTrips = Readonly<Record<string, Readonly<Record<string, number[]>>>>;

/**
 * Time `count` round trips of each way of each peer, some in a row and then in turn, alone on their connection.
 * @throws {Error} when an answer is not what was sent.
 */
export async function roundTrips(peers: Readonly<Record<string, Peer>>, count: number): Promise<RoundTrips> {
  const turns = Object.entries(peers).flatMap(([who, { echoes }]) =>
    Object.entries(echoes).map(([way, echo]) => ({ who, way, echo, times: [] as number[] })),
  );
  for (let at = 0; at < count; at += BLOCK) {
    for (const { echo, times } of turns) {
      for (let each = 0; each < BLOCK; each++) times.push(await timed(echo));
    }
    turns.reverse();
  }
  const found: Record<string, Record<string, number[]>> = {};
  for (const { who, way, times } of turns) found[who] = { ...found[who], [way]: times };
  return found;
}

/** Latencies of small messages, one every few ms, while a transfer is under way. */
export async function callsDuring(
  peer: Peer,
  way: string,
  direction: "up" | "down",
  durationMs: number,
): Promise<number[]> {
  const echo = peer.echoes[way];
  if (echo === undefined) throw new Error(`Cannot measure: there is no ${way}`);
  const probes: Promise<number>[] = [];
  // The next one does not wait for the last one: a slow answer must not hide the slow ones behind it.
  const timer = setInterval(() => probes.push(timed(echo)), PROBE_EVERY_MS);
  await peer[direction](BULK_MESSAGE_BYTES, durationMs);
  clearInterval(timer);
  return Promise.all(probes);
}

async function timed(echo: (payload: Bytes) => Promise<Uint8Array>): Promise<number> {
  const payload = crypto.getRandomValues(new Uint8Array(PAYLOAD_BYTES));
  payload[0] = 0; // says to a bare server that it is to be sent back
  const start = performance.now();
  const answer = await echo(payload);
  const ms = performance.now() - start;
  if (answer.length !== payload.length || !answer.every((byte, at) => byte === payload[at]))
    throw new Error("Cannot measure: the answer differs from what was sent");
  return ms;
}
