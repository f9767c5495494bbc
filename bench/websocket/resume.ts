import {
  connectWith,
  dialWebSocket,
  type MessageStream,
  raw,
  type Session,
  type Transport,
} from "tideway/node";
import { type Bench, check, elapsedMs, interleave } from "../harness.ts";
import { Helper } from "../helper.ts";
import { percentile } from "../statistics.ts";
import { SERVER } from "../transports/carriers/node.ts";
import { echoBare } from "../transports/links/protocol.ts";
import { dialWs } from "../transports/links/ws.ts";
import type { ServerCommands } from "../transports/programs/server.ts";
import { encodeText, SOURCE } from "../transports/session-streams.ts";

const MESSAGE_BYTES = 4_096;

/** P16: from a lost connection to the first message that goes on, against `ws` that connects again and echoes once. */
export const resumeAfterCut: Bench = {
  id: "P16",
  async run(plan) {
    const cuts = plan.quick ? 10 : 100;
    const server = new Helper<ServerCommands>(SERVER);
    try {
      const { tideway, bare: echo } = await server.ask("targets");
      const works = [() => resumeOften(tideway.websocket, cuts), () => reconnectOften(echo.websocket, cuts)];
      for (const work of works) await work();
      const [ours, bare] = await interleave(plan.runs, ...works);
      const at = (share: number, runs: readonly number[][]) => runs.map((times) => percentile(times, share));
      return [0.5, 0.99].map((share) => ({
        id: "P16",
        name: `resume after a cut, no wait before it, a stream goes on, p${share * 100}`,
        unit: "ms",
        better: "lower",
        samples: at(share, ours!),
        peer: { name: "ws dial + echo", samples: at(share, bare!) },
      }));
    } finally {
      await server.close();
    }
  },
};

/** @returns the time of each cut, ms, until the next message of a stream was there. */
export async function resumeOften(url: string, cuts: number): Promise<number[]> {
  let transport: Transport | undefined;
  const dial = dialWebSocket(url);
  const session = await connectWith(
    async (signal) => {
      transport = await dial(signal);
      return transport;
    },
    { codecs: [raw], reconnect: { minMs: 0, maxMs: 0 } },
  );
  const stream = session.openStream(SOURCE);
  await stream.send(encodeText(JSON.stringify({ count: 1_000_000, bytes: MESSAGE_BYTES })));
  const times: number[] = [];
  for (let i = 0; i < cuts; i++) {
    await read(stream, 20);
    const lost = stateIs(session, "resuming");
    transport?.close(3_000, "cut");
    await lost;
    times.push(
      await elapsedMs(async () => {
        await stateIs(session, "open");
        await read(stream, 1);
      }),
    );
  }
  const { resumes, reconnects } = session.stats();
  check(resumes === cuts && reconnects === cuts, `${resumes} of ${cuts} cuts were resumed`);
  stream.abort();
  await session.close();
  return times;
}

async function read(stream: MessageStream, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const message = await stream.receive();
    check(message?.length === MESSAGE_BYTES, `message has ${message?.length} bytes`);
  }
}

function stateIs(session: Session, state: string): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (session.state !== state) return;
      session.removeEventListener("statechange", look);
      resolve();
    };
    session.addEventListener("statechange", look);
    look();
  });
}

/** @returns the time of each new connection, ms, until its first echo was there. */
export async function reconnectOften(url: string, count: number): Promise<number[]> {
  const times: number[] = [];
  const pool = [new Uint8Array(MESSAGE_BYTES)];
  for (let i = 0; i < count; i++) {
    times.push(
      await elapsedMs(async () => {
        const link = await dialWs(url);
        await echoBare(link, pool, 1, 1);
        link.close();
      }),
    );
  }
  return times;
}
