import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { sleep, until } from "../sessions.ts";
import { ChaosProxy, type Fault, type FaultKind } from "./proxy.ts";

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** One end of a connection, and what it has seen. */
class End {
  readonly socket: Socket;
  received = "";
  /** How it ended: in order, or by an error. */
  end: "fin" | string | undefined;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on("data", (chunk: Buffer) => {
      this.received += chunk.toString();
    });
    socket.on("end", () => {
      this.end ??= "fin";
    });
    socket.on("error", (error: NodeJS.ErrnoException) => {
      this.end ??= error.code ?? "error";
    });
    cleanups.push(() => socket.destroy());
  }

  send(text: string): void {
    this.socket.write(text);
  }
}

/** A server behind a proxy. */
async function start(...plan: Fault[]): Promise<{ proxy: ChaosProxy; dial: () => Promise<[End, End]> }> {
  const accepted: End[] = [];
  const server = createServer((socket) => accepted.push(new End(socket)));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanups.push(() => server.close());
  const proxy = await ChaosProxy.open((server.address() as AddressInfo).port, plan);
  cleanups.push(() => proxy.close());
  const dial = async (): Promise<[End, End]> => {
    const count = accepted.length;
    const client = new End(connect(proxy.port, "127.0.0.1"));
    await until(() => accepted.length > count);
    return [client, accepted[count] as End];
  };
  return { proxy, dial };
}

const ECONNRESET = "ECONNRESET";
const CUTS = [
  ["fin", "fin"],
  ["reset", ECONNRESET],
] as const;

describe("a connection without faults", () => {
  test("passes in both directions, and its bytes are counted", async () => {
    const { proxy, dial } = await start();
    const [client, server] = await dial();
    client.send("hello");
    server.send("welcome");
    await until(() => server.received === "hello" && client.received === "welcome");
    expect(proxy).toMatchObject({
      connections: 1,
      open: 1,
      fired: [],
      bytes: { clientToServer: 5, serverToClient: 7 },
    });
  });

  test("passes much, to a reader that comes late", async () => {
    const { dial } = await start();
    const [client, server] = await dial();
    server.socket.pause();
    const much = "x".repeat(8_000_000);
    client.send(much);
    await sleep(20);
    server.socket.resume();
    await until(() => server.received.length === much.length);
  });

  test.each(CUTS)("passes on how an end leaves: %s", async (kind, seen) => {
    const { proxy, dial } = await start();
    const [client, server] = await dial();
    client.send("last");
    await until(() => server.received === "last");
    if (kind === "fin") client.socket.end();
    else client.socket.resetAndDestroy();
    await until(() => server.end === seen && proxy.open === 0);
  });

  test("has a reset for a client whose server is gone", async () => {
    const { proxy, dial } = await start();
    await dial();
    const gone = createServer();
    gone.listen(0, "127.0.0.1");
    await once(gone, "listening");
    const { port } = gone.address() as AddressInfo;
    gone.close();
    await once(gone, "close");
    const other = await ChaosProxy.open(port);
    cleanups.push(() => other.close());
    const client = new End(connect(other.port, "127.0.0.1"));
    await until(() => client.end === ECONNRESET && other.open === 0);
    expect(proxy.open).toBe(1);
  });
});

describe.each(CUTS)("a planned %s", (kind, seen) => {
  test.each([0, 1, 7, 9])("lets %i bytes from the client through, and ends both sides", async (byte) => {
    const { proxy, dial } = await start({ kind, direction: "clientToServer", byte });
    const [client, server] = await dial();
    server.send("welcome");
    if (byte > 0) await until(() => client.received === "welcome");
    for (const part of ["0123", "456789"]) client.send(part);
    await until(() => client.end === seen && server.end === seen);
    expect(server.received).toBe("0123456789".slice(0, byte));
    expect(proxy.fired).toEqual([{ kind, direction: "clientToServer", byte }]);
    await until(() => proxy.open === 0);
  });

  test("counts the bytes of its direction only", async () => {
    const { proxy, dial } = await start({ kind, direction: "serverToClient", byte: 3 });
    const [client, server] = await dial();
    client.send("0123456789");
    await until(() => server.received === "0123456789");
    expect(proxy.fired).toEqual([]);
    server.send("welcome");
    await until(() => client.end === seen && server.end === seen);
    expect(client.received).toBe("wel");
  });

  test("counts both directions where it says so", async () => {
    const { proxy, dial } = await start({ kind, direction: "both", byte: 8 });
    const [client, server] = await dial();
    client.send("hello");
    await until(() => server.received === "hello");
    server.send("welcome");
    await until(() => client.end === seen && server.end === seen);
    expect(client.received).toBe("wel");
    expect(proxy.bytes).toEqual({ clientToServer: 5, serverToClient: 3 });
  });
});

describe("a planned freeze", () => {
  const freeze: Fault = { kind: "freeze", direction: "clientToServer", byte: 3 };

  test("lets nothing through any more, in either direction, and ends nothing", async () => {
    const { proxy, dial } = await start(freeze);
    const [client, server] = await dial();
    client.send("hello");
    await until(() => server.received === "hel");
    client.send("more");
    server.send("welcome");
    await sleep(50);
    expect([server.received, client.received]).toEqual(["hel", ""]);
    expect([client.end, server.end]).toEqual([undefined, undefined]);
    expect(proxy).toMatchObject({ open: 1, fired: [freeze] });
  });

  test("tells one side nothing of the other one's end", async () => {
    const { dial } = await start(freeze);
    const [client, server] = await dial();
    client.send("hello");
    await until(() => server.received === "hel");
    client.socket.resetAndDestroy();
    await sleep(50);
    expect(server.end).toBe(undefined);
  });

  test("destroys its sockets where it says so", async () => {
    const { proxy, dial } = await start({ ...freeze, destroyAfterMs: 30 });
    const [client, server] = await dial();
    client.send("hello");
    await until(() => server.received === "hel");
    expect(client.end).toBe(undefined);
    await until(() => client.end !== undefined && server.end !== undefined && proxy.open === 0);
  });
});

describe("a plan", () => {
  test("strikes one connection after the other, and the rest pass", async () => {
    const plan: Fault[] = [
      { kind: "fin", direction: "clientToServer", byte: 2 },
      { kind: "freeze", direction: "clientToServer", byte: 1 },
      { kind: "reset", direction: "clientToServer", byte: 3 },
    ];
    const { proxy, dial } = await start(...plan);
    for (const { byte } of plan) {
      const [client, server] = await dial();
      client.send("hello");
      await until(() => server.received.length === byte);
    }
    const [client, server] = await dial();
    client.send("hello");
    await until(() => server.received === "hello");
    expect(client.end).toBe(undefined);
    expect(proxy).toMatchObject({ connections: 4, fired: plan, plan: [] });
  });

  test("keeps a fault whose byte was not reached, and does not count it", async () => {
    const { proxy, dial } = await start({ kind: "fin", direction: "clientToServer", byte: 6 });
    const [first, seen] = await dial();
    first.send("hello");
    await until(() => seen.received === "hello");
    first.socket.end();
    await until(() => proxy.open === 0);
    expect([proxy.fired.length, proxy.plan.length]).toEqual([0, 1]);
    const [client, server] = await dial();
    client.send("hello again");
    await until(() => server.end === "fin");
    expect([server.received, proxy.fired.length]).toEqual(["hello ", 1]);
  });
});

describe("strike()", () => {
  test.each<readonly [FaultKind, string | undefined]>([...CUTS, ["freeze", undefined]])(
    "harms what passes now: %s",
    async (kind, seen) => {
      const { proxy, dial } = await start();
      const ends = [...(await dial()), ...(await dial())];
      expect(proxy.strike(kind)).toBe(2);
      expect(proxy.strike(kind)).toBe(0);
      ends[0]?.send("hello");
      await until(() => ends.every(({ end }) => end === seen));
      expect([ends[1]?.received, proxy.fired.length]).toEqual(["", 2]);
      const [client, server] = await dial();
      client.send("hello");
      await until(() => server.received === "hello");
    },
  );
});

test("close() leaves no socket behind", async () => {
  const { proxy, dial } = await start({ kind: "freeze", direction: "both", byte: 2, destroyAfterMs: 60_000 });
  const frozen = await dial();
  frozen[0].send("hello");
  await until(() => proxy.fired.length === 1);
  const passing = await dial();
  await proxy.close();
  expect(proxy.open).toBe(0);
  await until(() => [...frozen, ...passing].every(({ end }) => end !== undefined));
  const late = new End(connect(proxy.port, "127.0.0.1"));
  await until(() => late.end === "ECONNREFUSED");
});
