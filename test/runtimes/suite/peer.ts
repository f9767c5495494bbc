import { type AuthenticateRequest, client, implement, type Limits, type Session, WireError } from "tideway";
import { type Compression, compression, lz4 } from "tideway/compression";
import { api, BYTES_STREAM, MAX_CALLS, MAX_MESSAGE_BYTES, TOKEN } from "./contract.ts";
import { checkGolden, checkGoldenSchemas, checkHostile } from "./golden.ts";

/** What servers of all runtimes are made with. */
export const SERVER_OPTIONS: {
  readonly origins: "*";
  readonly hosts: readonly string[];
  readonly limits: Partial<Limits>;
  readonly compression: Compression;
  readonly authenticate: (request: AuthenticateRequest) => unknown;
  readonly onSession: (session: Session) => void;
} = {
  origins: "*", // pages come from another port
  hosts: ["127.0.0.1", "localhost"],
  limits: { maxCalls: MAX_CALLS, maxMessageBytes: MAX_MESSAGE_BYTES },
  compression: compression([lz4], { sameMachine: true }),
  authenticate: ({ token }) => {
    const name = new TextDecoder().decode(token);
    if (name !== TOKEN) throw new Error("Unknown token");
    return name;
  },
  onSession: serveSession,
};

/** Answer the other side: both sides do. */
export function serveSession(session: Session): void {
  const aborted: string[] = [];
  let filled = 0;
  const service = implement(api, {
    add: ([a, b]) => a + b,
    about: (_, { headers, trace, remainingMs, principal }) => ({
      headers: [...headers],
      trace,
      hasDeadline: remainingMs !== undefined,
      principal,
    }),
    wait: (_, { signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => {
          const reason: unknown = signal.reason;
          aborted.push(reason instanceof WireError ? reason.code : String(reason));
          reject(reason);
        });
      }),
    aborted: () => aborted,
    fail: (kind, context) => {
      if (kind === "typed") throw context.error("LATE", { by: 5 }, "Too late");
      throw new Error("secret");
    },
    count: function* (to) {
      for (let number = 1; number <= to; number++) yield number;
    },
    fill: function* (bytes) {
      for (;;) {
        filled++;
        yield "x".repeat(bytes);
      }
    },
    filled: () => filled,
    sum: async (numbers) => {
      let total = 0;
      for await (const number of numbers) total += number;
      return total;
    },
    echo: async function* (messages) {
      for await (const message of messages) yield message;
    },
    echoSecret: async function* (messages) {
      for await (const message of messages) yield message;
    },
    golden: checkGolden,
    goldenSchemas: () => checkGoldenSchemas(),
    hostile: checkHostile,
    callBack: async (to) => {
      const calls = client(session, api);
      const counted: number[] = [];
      for await (const number of calls.count(to)) counted.push(number);
      const echo = calls.echo();
      await echo.send("12");
      const echoed = Number(await echo.receive());
      echo.end();
      return [await calls.add([to, 1]), counted.length, await calls.sum().sendAll(counted), echoed];
    },
  });
  service.attach(session);
  session.onStream(BYTES_STREAM, async (stream) => {
    for await (const message of stream) await stream.send(message);
    await stream.close();
  });
  session.addEventListener("datagram", ({ payload }) => session.sendDatagram(payload));
}
