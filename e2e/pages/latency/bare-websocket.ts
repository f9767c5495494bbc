import { BareKind, decodeReport, encodeReport, encodeRequest } from "../../servers/latency/contract.ts";
import { assertSame, type Bytes, type Peer, type Transfer } from "./peer.ts";

/** As much as Tideway leaves in the buffer of a socket: more of it would only make what comes behind it wait. */
const HIGH_WATER_BYTES = 1024 * 1024;

/** The browser's WebSocket. */
export async function bareWebSocket(url: string | URL): Promise<Peer> {
  const socket = new WebSocket(url);
  socket.binaryType = "arraybuffer";
  await new Promise((resolve, reject) => {
    socket.addEventListener("open", resolve);
    socket.addEventListener("error", reject);
  });
  const peer = new BareWebSocket(socket);
  return {
    echoes: { message: (payload) => peer.echo(payload) },
    up: (messageBytes, durationMs) => peer.up(messageBytes, durationMs),
    down: (messageBytes, durationMs) => peer.down(messageBytes, durationMs),
    close: async () => socket.close(),
  };
}

/** Echoes come back in order, so the first one that waits gets the first answer. */
class BareWebSocket {
  readonly #socket: WebSocket;
  readonly #echoes: ((answer: Bytes) => void)[] = [];
  #report: (bytes: number) => void = () => {};
  #received = 0;

  constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.addEventListener("message", ({ data }) => this.#receive(new Uint8Array(data)));
  }

  #receive(message: Bytes): void {
    if (message[0] === BareKind.Bulk) this.#received += message.length;
    else if (message[0] === BareKind.Report) this.#report(decodeReport(message));
    else this.#echoes.shift()?.(message);
  }

  echo(payload: Bytes): Promise<Uint8Array> {
    return new Promise((resolve) => {
      this.#echoes.push(resolve);
      this.#socket.send(payload);
    });
  }

  async up(messageBytes: number, durationMs: number): Promise<Transfer> {
    const message = new Uint8Array(messageBytes);
    message[0] = BareKind.Bulk;
    const start = performance.now();
    let sent = 0;
    while (performance.now() - start < durationMs) {
      if (this.#socket.bufferedAmount < HIGH_WATER_BYTES) {
        this.#socket.send(message);
        sent += message.length;
      } else await new Promise((resolve) => setTimeout(resolve)); // no event tells of it
    }
    const bytes = await this.#reported(encodeReport(0));
    const ms = performance.now() - start;
    assertSame(sent, bytes);
    return { bytes, ms };
  }

  async down(messageBytes: number, durationMs: number): Promise<Transfer> {
    this.#received = 0;
    const start = performance.now();
    const bytes = await this.#reported(encodeRequest(messageBytes, durationMs));
    const ms = performance.now() - start;
    assertSame(bytes, this.#received);
    return { bytes, ms };
  }

  #reported(request: Bytes): Promise<number> {
    return new Promise((resolve) => {
      this.#report = resolve;
      this.#socket.send(request);
    });
  }
}
