import { client, connect } from "tideway";
import { msgpackCodec } from "tideway/msgpack";
import { api } from "../servers/contract.ts";

const PAYLOAD_BYTES = 64;
const WARM_UP = 300;

/** Times of calls and of bare echoes, taken in turn, ms. */
export interface Latencies {
  readonly tideway: number[];
  readonly bare: number[];
}

/**
 * Time `count` unary calls and `count` echoes over a bare WebSocket to the same process, one after the other.
 * @throws {Error} when an answer is not what was sent.
 */
export async function measureLatency(count: number): Promise<Latencies> {
  const origin = location.href.replace("http", "ws");
  const session = await connect(new URL("/tideway", origin), { codecs: [msgpackCodec()] });
  const bare = await openBare(new URL("/bare", origin));
  const calls = client(session, api);
  const latencies: Latencies = { tideway: [], bare: [] };
  for (let at = -WARM_UP; at < count; at++) {
    const payload = crypto.getRandomValues(new Uint8Array(PAYLOAD_BYTES));
    const call = () => calls.bytes(payload);
    const turns = [
      { send: call, into: latencies.tideway },
      { send: () => bare.echo(payload), into: latencies.bare },
    ];
    // Each goes first every other time.
    for (const { send, into } of at % 2 === 0 ? turns : turns.reverse()) {
      const start = performance.now();
      const answer = await send();
      const ms = performance.now() - start;
      if (!equal(answer, payload)) throw new Error("Cannot measure: the answer differs from what was sent");
      if (at >= 0) into.push(ms);
    }
  }
  bare.close();
  await session.close();
  return latencies;
}

async function openBare(url: URL) {
  const socket = new WebSocket(url);
  socket.binaryType = "arraybuffer";
  let answered: (bytes: Uint8Array) => void = () => {};
  socket.addEventListener("message", ({ data }) => answered(new Uint8Array(data)));
  await new Promise((resolve, reject) => {
    socket.addEventListener("open", resolve);
    socket.addEventListener("error", reject);
  });
  return {
    echo: (bytes: Uint8Array<ArrayBuffer>) =>
      new Promise<Uint8Array>((resolve) => {
        answered = resolve;
        socket.send(bytes);
      }),
    close: () => socket.close(),
  };
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}
