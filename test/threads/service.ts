import { client, implement, type PortAcceptOptions, type Session } from "tideway";
import { MIRROR, ownerApi, workerApi } from "./contract.ts";

/** How a worker serves `workerApi`, in a page or in Node. */
export function workerOptions(exit: () => void): PortAcceptOptions {
  const sessions = new Set<Session>();
  return {
    services: [
      implement(workerApi, {
        add: ([a, b]) => a + b,
        count: function* (to) {
          for (let number = 1; number <= to; number++) yield number;
        },
        sum: async (numbers) => {
          let total = 0;
          for await (const number of numbers) total += number;
          return total;
        },
        echo: async function* (messages) {
          for await (const message of messages) yield message;
        },
        hang: () => new Promise<void>(() => {}),
        sessions: () => sessions.size,
        compute: (ms) => {
          for (const end = performance.now() + ms; performance.now() < end; );
          return "done";
        },
        askBack: async (number) => {
          const [session] = sessions;
          if (session === undefined) throw new Error("No session");
          return client(session, ownerApi).double(number);
        },
        readSlowly: async (messages) => {
          let bytes = 0;
          for await (const message of messages) {
            bytes += message.length;
            await new Promise((resolve) => setTimeout(resolve, 1));
          }
          return bytes;
        },
        crash: () =>
          new Promise<void>(() => {
            setTimeout(() => {
              throw new Error("Crashed on purpose");
            });
          }),
        exit: () => {
          exit();
          return new Promise<void>(() => {});
        },
      }),
    ],
    onSession: (session) => {
      sessions.add(session);
      void session.closed.then(() => sessions.delete(session));
      session.onStream(MIRROR, async (stream) => {
        for await (const message of stream) await stream.send(message);
        await stream.close();
      });
    },
  };
}
