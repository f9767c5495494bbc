import {
  type CallContext,
  type ConnectOptions,
  client,
  clientStream,
  contract,
  duplex,
  implement,
  type Limits,
  serverStream,
  type,
  unary,
} from "../src/index.ts";
import { callsOf } from "../src/rpc/session-calls.ts";
import { Deferred, openSessions, sleep, until } from "./sessions.ts";

/** Methods that last. */
export const api = contract({
  hang: unary({ input: type<void>(), output: type<void>() }),
  add: unary({ input: type<readonly [number, number]>(), output: type<number>() }),
  ticks: serverStream({ input: type<number>(), output: type<number>() }),
  upload: clientStream({ input: type<string>(), output: type<number>() }),
  chat: duplex({ input: type<string>(), output: type<string>() }),
});

/** Handlers that last until they are told to end, and what they saw. */
export async function open(options: { limits?: Partial<Limits>; client?: ConnectOptions } = {}) {
  const contexts: CallContext[] = [];
  const release = new Deferred();
  const finals: string[] = [];
  const errors: unknown[] = [];
  const service = implement(
    api,
    {
      hang: (_, context) => {
        contexts.push(context);
        return release.promise;
      },
      add: ([a, b]) => a + b,
      async *ticks(everyMs, context) {
        contexts.push(context);
        try {
          for (let i = 0; ; i++) {
            yield i;
            await sleep(everyMs);
          }
        } finally {
          finals.push("ticks");
        }
      },
      async upload(messages, context) {
        contexts.push(context);
        let count = 0;
        try {
          for await (const _ of messages) count++;
        } catch (error) {
          finals.push((error as { code: string }).code);
          throw error;
        }
        return count;
      },
      async *chat(messages, context) {
        contexts.push(context);
        try {
          for await (const message of messages) yield message;
        } finally {
          finals.push("chat");
        }
      },
    },
    { onError: (error) => errors.push(error) },
  );
  const sessions = await openSessions({
    client: { reconnect: false, ...options.client },
    server: { limits: options.limits ?? {}, onSession: (session) => service.attach(session) },
  });
  return {
    ...sessions,
    server: sessions.server,
    calls: client(sessions.client, api),
    contexts,
    release,
    finals,
    errors,
    running: () => callsOf(sessions.server).running,
    idle: () =>
      until(
        () =>
          callsOf(sessions.server).running === 0 &&
          callsOf(sessions.client).waiting === 0 &&
          sessions.client.stats().streams === 0 &&
          sessions.server.stats().streams === 0,
      ),
  };
}
