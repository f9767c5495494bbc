/** Bytes of a page. */
export type Bytes = Uint8Array<ArrayBuffer>;

/** A transfer in one direction that is over. */
export interface Transfer {
  /** What the other end has counted: sent or received. */
  readonly bytes: number;
  /** From the first message to the moment in which the last one is known to have arrived, ms. */
  readonly ms: number;
}

/** One way to the server: Tideway, or the bare API of the browser. */
export interface Peer {
  /** Ways to send a small message and get it back. The bytes are unchanged. */
  readonly echoes: Readonly<Record<string, (payload: Bytes) => Promise<Uint8Array>>>;
  /** Send messages of `messageBytes` for some time, no faster than they leave. */
  up(messageBytes: number, durationMs: number): Promise<Transfer>;
  /** Have them sent from the server. */
  down(messageBytes: number, durationMs: number): Promise<Transfer>;
  close(): Promise<void>;
}

/** How long a datagram may be on its way, ms. */
const DATAGRAM_MS = 500;

/** A datagram that comes back, or an error when it does not. @param send - its answer is given to what this returns */
export function datagramEcho(send: (payload: Bytes) => void): {
  readonly echo: (payload: Bytes) => Promise<Uint8Array>;
  readonly received: (payload: Uint8Array) => void;
} {
  let waiting: ((payload: Uint8Array) => void) | undefined;
  return {
    received: (payload) => waiting?.(payload),
    echo: (payload) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error("Cannot measure: a datagram was lost")), DATAGRAM_MS);
        waiting = (answer) => {
          clearTimeout(timer);
          resolve(answer);
        };
        send(payload);
      }),
  };
}

/** @throws {Error} when the two ends have not counted the same. */
export function assertSame(sent: number, received: number): void {
  if (sent !== received) throw new Error(`Cannot measure: ${sent} bytes were sent and ${received} arrived`);
}
