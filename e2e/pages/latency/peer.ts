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

/** How long a datagram may be on its way, ms. One that takes longer is lost, and is sent again. */
const DATAGRAM_MS = 500;
/** Datagrams that may be lost, as a part of all, and besides: a machine that stands still for a moment loses some. */
const MOST_LOST = 0.01;
const LOST_ANYWAY = 1;

/**
 * A datagram that comes back. The time of one that is lost counts from when it was sent first.
 * @param send - its answer is given to what this returns
 * @throws {Error} when too many do not come back.
 */
export function datagramEcho(send: (payload: Bytes) => void): {
  readonly echo: (payload: Bytes) => Promise<Uint8Array>;
  readonly received: (payload: Uint8Array) => void;
} {
  let waiting: ((payload: Uint8Array) => void) | undefined;
  let sent = 0;
  let lost = 0;
  return {
    received: (payload) => waiting?.(payload),
    echo: (payload) =>
      new Promise((resolve, reject) => {
        const attempt = () => {
          sent++;
          send(payload);
        };
        const timer = setInterval(() => {
          lost++;
          if (lost <= LOST_ANYWAY + sent * MOST_LOST) return attempt();
          clearInterval(timer);
          reject(new Error(`Cannot measure: ${lost} of ${sent} datagrams were lost`));
        }, DATAGRAM_MS);
        waiting = (answer) => {
          if (!isSame(answer, payload)) return; // one that was given up has come after all
          clearInterval(timer);
          resolve(answer);
        };
        attempt();
      }),
  };
}

/** Whether these bytes are equal. */
export function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && one.every((byte, at) => byte === other[at]);
}

/** @throws {Error} when the two ends have not counted the same. */
export function assertSame(sent: number, received: number): void {
  if (sent !== received) throw new Error(`Cannot measure: ${sent} bytes were sent and ${received} arrived`);
}
