import { accept, connectWith, memoryPair, type Session } from "../../src/index.ts";
import { connect } from "../../src/node/dial.ts";
import { serve } from "../../src/node/serve.ts";
import { Deferred } from "../sessions.ts";
import { sessionSuite } from "./session.ts";

for (const lanes of [1, 9]) {
  sessionSuite(`memory with lanes: ${lanes}`, async (clientOptions, serverOptions) => {
    const pair = memoryPair({ lanes });
    const server = accept(pair.b, serverOptions);
    const client = await connectWith(async () => pair.a, { reconnect: false, ...clientOptions });
    return { client, server, lose: () => pair.lose(), cleanup: async () => {} };
  });
}

sessionSuite("WebSocket", async (clientOptions, { onSession, authenticate, ...serverOptions }) => {
  const accepted = new Deferred<Session>();
  const cut: (() => void)[] = [];
  const server = await serve({
    ...serverOptions,
    listen: ["ws://127.0.0.1:0"],
    authenticate: (request) => {
      cut.push(() => request.request.socket.resetAndDestroy());
      return authenticate?.(request);
    },
    onSession: (session) => {
      accepted.resolve(session);
      return onSession?.(session);
    },
  });
  const client = await connect(server.urls[0] as string, { reconnect: false, ...clientOptions });
  return {
    client,
    server: await accepted.promise,
    lose: () => {
      for (const end of cut) end();
    },
    cleanup: () => server.close({ drainMs: 0 }),
  };
});
