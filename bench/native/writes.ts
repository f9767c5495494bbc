import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { concatBytes } from "../../src/core/bytes.ts";
import { makeInput } from "../../test/compression/inputs.ts";
import { type Bench, check, type Figure, race, type Work } from "../harness.ts";
import { shortPlan } from "./twins.ts";

type Burst = readonly Uint8Array[];

/** Records of one task, by how many and how long they are. */
const BURSTS = [
  [2, 200],
  [16, 200],
  [8, 4_096],
  [4, 65_536],
] as const;

function vectored(socket: Socket, burst: Burst): boolean {
  socket.cork();
  let more = true;
  for (const record of burst) more = socket.write(record);
  socket.uncork();
  return more;
}

function joined(socket: Socket, burst: Burst): boolean {
  const total = burst.reduce((sum, { length }) => sum + length, 0);
  return socket.write(concatBytes(burst, total));
}

function single(socket: Socket, burst: Burst): boolean {
  let more = true;
  for (const record of burst) more = socket.write(record);
  return more;
}

/** A socket on this machine; `arrive` resolves when so many bytes have come out at its other end. */
async function open() {
  let expected = 0;
  let received = 0;
  let done = () => {};
  const server = createServer((peer) =>
    peer.on("data", ({ length }) => {
      received += length;
      if (received >= expected) done();
    }),
  );
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const socket = connect((server.address() as { port: number }).port, "127.0.0.1");
  socket.setNoDelay(true);
  await once(socket, "connect");
  return {
    socket,
    arrive: (count: number) =>
      new Promise<void>((resolve) => {
        expected += count;
        done = resolve;
      }),
    surplus: () => received - expected,
    close: async () => {
      socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

/** Vectored writes: several records of a task by one `writev`, against one copy of them all, and a write each. */
export const writes: Bench = {
  id: "native",
  async run(plan) {
    const link = await open();
    const work =
      (write: (socket: Socket, burst: Burst) => boolean, burst: Burst): Work =>
      async (count) => {
        const bytes = burst.reduce((sum, { length }) => sum + length, 0);
        const arrived = link.arrive(count * bytes);
        const start = performance.now();
        for (let i = 0; i < count; i++) {
          if (!write(link.socket, burst)) await once(link.socket, "drain");
        }
        await arrived;
        const elapsed = performance.now() - start;
        check(link.surplus() === 0, "more bytes came than were written");
        return elapsed;
      };
    const figures: Figure[] = [];
    try {
      for (const [count, length] of BURSTS) {
        const burst = Array.from({ length: count }, (_, i) => makeInput("noise", length, i));
        const [native, ...portable] = await race(
          shortPlan(plan),
          work(vectored, burst),
          work(single, burst),
          work(joined, burst),
        );
        for (const [i, name] of ["a write each", "one copy, one write"].entries())
          figures.push({
            id: "native",
            name: `${count} records of ${length} B over TCP, cork and writev`,
            unit: "bursts/s",
            better: "higher",
            samples: native,
            peer: { name, samples: portable[i] as number[] },
          });
      }
    } finally {
      await link.close();
    }
    return figures;
  },
};
