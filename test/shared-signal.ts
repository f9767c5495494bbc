// Twelve sessions and two hundred calls wait for one signal. Prints OK, and nothing else.
import { client, contract, implement, serverStream, type, unary } from "../src/index.ts";
import { connect, serve } from "../src/node/index.ts";

const SESSIONS = 12;
const CALLS = 100;

const api = contract({
  hang: unary({ input: type<void>(), output: type<void>() }),
  ticks: serverStream({ input: type<void>(), output: type<number>() }),
});
const service = implement(api, {
  hang: (_, { signal }) =>
    new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
  async *ticks(_, { signal }) {
    yield 1;
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
  },
});
const server = await serve({ listen: ["ws://127.0.0.1:0"], services: [service] });
const url = server.urls[0] as string;

async function drain(values: AsyncIterable<number>): Promise<void> {
  let count = 0;
  for await (const value of values) count += value;
  throw new Error(`Ended after ${count}`);
}

const life = new AbortController();
const sessions = await Promise.all(
  Array.from({ length: SESSIONS }, () => connect(url, { signal: life.signal, reconnect: false })),
);
const abort = new AbortController();
const { signal } = abort;
const calls = client(sessions[0] as (typeof sessions)[number], api);
const endings: Promise<unknown>[] = [];
for (let i = 0; i < CALLS; i++) {
  endings.push(calls.hang(undefined, { signal }).catch((error: unknown) => error));
  const ticks = calls.ticks(undefined, { signal });
  endings.push(drain(ticks).catch((error: unknown) => error));
}
await new Promise((resolve) => setTimeout(resolve, 50));
abort.abort();
const codes = (await Promise.all(endings)).map((error) => (error as { code?: string }).code);
life.abort();
await Promise.all(sessions.map((session) => session.closed));
await server.close({ drainMs: 0 });
const cancelled = codes.length === 2 * CALLS && codes.every((code) => code === "ERR_CANCELLED");
console.log(cancelled ? "OK" : [...new Set(codes)].join(" "));
