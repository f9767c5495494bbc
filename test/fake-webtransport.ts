import { DATAGRAM_LANE } from "../src/transports/transport.ts";
import type {
  WebTransportLane,
  WebTransportSession,
  WebTransportTransport,
} from "../src/transports/webtransport.ts";

/** One end of a stream whose other end is the test. */
export class FakeLane implements WebTransportLane {
  readonly written: Uint8Array[] = [];
  ended = false;
  /** Resolve what was written last. */
  readonly taken: (() => void)[] = [];
  arrives!: ReadableStreamDefaultController<Uint8Array>;
  fails!: WritableStreamDefaultController;
  readonly readable = new ReadableStream<Uint8Array>({
    start: (controller) => {
      this.arrives = controller;
    },
  });
  readonly writable: WritableStream<Uint8Array>;

  constructor(slow = false) {
    this.writable = new WritableStream({
      start: (controller) => {
        this.fails = controller;
      },
      write: (chunk) => {
        this.written.push(chunk);
        return slow ? new Promise((resolve) => this.taken.push(resolve)) : undefined;
      },
      close: () => {
        this.ended = true;
      },
    });
  }
}

/** A session whose other end is the test. */
export class FakeSession implements WebTransportSession {
  readonly closes: unknown[] = [];
  readonly sent: Uint8Array[] = [];
  readonly letGo: (() => void)[] = [];
  arrives!: ReadableStreamDefaultController<Uint8Array>;
  end!: (info: { closeCode?: number; reason?: string }) => void;
  lose!: (error: unknown) => void;
  readonly closed = new Promise<{ closeCode?: number; reason?: string }>((resolve, reject) => {
    this.end = resolve;
    this.lose = reject;
  });
  readonly datagrams: WebTransportSession["datagrams"];
  readonly incomingBidirectionalStreams: ReadableStream<WebTransportLane>;

  constructor(
    dialect: "writable" | "createWritable" | "none" = "writable",
    incoming: WebTransportLane[] = [],
  ) {
    const make = () =>
      new WritableStream<Uint8Array>({
        write: (chunk) => {
          this.sent.push(chunk);
          return new Promise((resolve) => this.letGo.push(resolve));
        },
      });
    this.datagrams = {
      readable: new ReadableStream<Uint8Array>({
        start: (controller) => {
          this.arrives = controller;
        },
      }),
      maxDatagramSize: 1_000,
      ...(dialect === "writable" ? { writable: make() } : {}),
      ...(dialect === "createWritable" ? { createWritable: make } : {}),
    };
    this.incomingBidirectionalStreams = new ReadableStream({
      start: (controller) => {
        for (const lane of incoming) controller.enqueue(lane);
        controller.close();
      },
    });
  }

  readonly made: FakeLane[] = [];

  createBidirectionalStream(): Promise<WebTransportLane> {
    const lane = new FakeLane(true);
    this.made.push(lane);
    return Promise.resolve(lane);
  }

  close(info: unknown): void {
    this.closes.push(info);
    this.end({});
  }
}

/** Start a transport. @returns what it tells, in words, as it comes. */
export function startLogged(transport: WebTransportTransport): string[] {
  const log: string[] = [];
  transport.start({
    data: (_lane, bytes) => log.push(`data ${bytes.join()}`),
    drain: (lane) => log.push(lane === DATAGRAM_LANE ? "drain datagrams" : "drain"),
    lane: () => log.push("lane"),
    datagram: (bytes) => log.push(`datagram ${bytes.join()}`),
    closed: (error) => log.push(`closed ${error?.message ?? ""}`.trim()),
  });
  return log;
}
