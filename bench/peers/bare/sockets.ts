import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import type { Bytes } from "tideway";
import { Tally } from "../../messages.ts";
import { type Contender, type ContenderClient, serveContender } from "../contender.ts";
import type { SampleRecord } from "../record.ts";

// What goes over a bare socket:
//
//     length of the rest (u32, big-endian)   kind (u8)   payload
//
// ECHO is answered with the same, MESSAGE with nothing, TALLY with the tally of all messages since the last one.

const ECHO = 0;
const MESSAGE = 1;
const TALLY = 2;
const LENGTH_BYTES = 4;
/** Bytes that wait in the socket above which the sender waits. */
const HIGH_WATER_BYTES = 1 << 20;

/** Be a process of a contender that is `node:net` with a frame for each message. */
export function serveSockets(configuration: string, listenOn: () => string | undefined): Promise<never> {
  const contender: Contender = {
    configuration,
    async listen() {
      const server = createServer({ noDelay: true }, serveSocket);
      const path = listenOn();
      server.listen(path === undefined ? { port: 0, host: "127.0.0.1" } : { path });
      await once(server, "listening");
      return path ?? String((server.address() as AddressInfo).port);
    },
    async dial(target) {
      const port = Number(target);
      const socket = connect(Number.isInteger(port) ? { port, host: "127.0.0.1" } : { path: target });
      socket.setNoDelay(true);
      await once(socket, "connect");
      return toClient(socket);
    },
  };
  return serveContender(contender);
}

function serveSocket(socket: Socket): void {
  let tally = new Tally();
  socket.on("error", () => {});
  readFrames(socket, (kind, payload) => {
    if (kind === MESSAGE) tally.add(payload);
    else if (kind === ECHO) writeFrame(socket, ECHO, payload);
    else {
      writeFrame(socket, TALLY, Buffer.from(JSON.stringify(tally)));
      tally = new Tally();
    }
  });
}

function toClient(socket: Socket): ContenderClient {
  const waiting: ((payload: Uint8Array) => void)[] = [];
  readFrames(socket, (_kind, payload) => waiting.shift()?.(payload));
  const call = (kind: number, payload: Uint8Array) =>
    new Promise<Uint8Array>((resolve) => {
      waiting.push(resolve);
      writeFrame(socket, kind, payload);
    });
  return {
    echo: (message) => call(ECHO, message),
    echoRecord: async (record) =>
      JSON.parse(String(await call(ECHO, Buffer.from(JSON.stringify(record))))) as SampleRecord,
    async sendAll(pool: readonly Bytes[], count: number) {
      for (let i = 0; i < count; i++) {
        writeFrame(socket, MESSAGE, pool[i % pool.length]!);
        if (socket.writableLength >= HIGH_WATER_BYTES) await once(socket, "drain");
      }
      return JSON.parse(String(await call(TALLY, new Uint8Array(0)))) as Tally;
    },
  };
}

function writeFrame(socket: Socket, kind: number, payload: Uint8Array): void {
  const frame = Buffer.allocUnsafe(LENGTH_BYTES + 1 + payload.length);
  frame.writeUInt32BE(1 + payload.length);
  frame[LENGTH_BYTES] = kind;
  frame.set(payload, LENGTH_BYTES + 1);
  socket.write(frame);
}

/** Hear each frame whole. Both ends are ours, so lengths are believed. */
function readFrames(socket: Socket, onFrame: (kind: number, payload: Buffer) => void): void {
  let rest: Buffer = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    let at = 0;
    while (bytes.length - at >= LENGTH_BYTES) {
      const end = at + LENGTH_BYTES + bytes.readUInt32BE(at);
      if (end > bytes.length) break;
      onFrame(bytes[at + LENGTH_BYTES]!, bytes.subarray(at + LENGTH_BYTES + 1, end));
      at = end;
    }
    rest = bytes.subarray(at);
  });
}
