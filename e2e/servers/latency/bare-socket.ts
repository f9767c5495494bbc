import { BareKind, decodeRequest, encodeReport } from "./contract.ts";

/** The bare socket of a server, as far as the echo uses it. */
export interface BareSocket {
  send(message: Uint8Array<ArrayBuffer>): void;
  /** Bytes that were sent and have not left. */
  readonly bufferedAmount: number;
}

/** As much as Tideway leaves in the buffer of a socket. */
const HIGH_WATER_BYTES = 1024 * 1024;

/** What a bare server does with each message. The socket must be open. */
export function serveBareSocket(socket: BareSocket): (message: Uint8Array<ArrayBuffer>) => void {
  let counted = 0;
  return (message) => {
    switch (message[0]) {
      case BareKind.Echo:
        return socket.send(message);
      case BareKind.Bulk:
        counted += message.length;
        return;
      case BareKind.Report:
        socket.send(encodeReport(counted));
        counted = 0;
        return;
      case BareKind.Source:
        return void sendFor(socket, message);
    }
  };
}

async function sendFor(socket: BareSocket, request: Uint8Array): Promise<void> {
  const { messageBytes, durationMs } = decodeRequest(request);
  const message = new Uint8Array(messageBytes).fill(BareKind.Bulk, 0, 1);
  const end = performance.now() + durationMs;
  let bytes = 0;
  while (performance.now() < end) {
    if (socket.bufferedAmount < HIGH_WATER_BYTES) {
      socket.send(message);
      bytes += message.length;
    } else await new Promise((resolve) => setTimeout(resolve, 1));
  }
  socket.send(encodeReport(bytes));
}
