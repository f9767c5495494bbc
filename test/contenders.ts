import { Race, type RaceOptions, type TransportChoice } from "../src/session/race.ts";
import { type MemoryTransport, memoryPair } from "../src/transports/memory.ts";
import type { Transport } from "../src/transports/transport.ts";

/** What a contender does: opens, or fails, after some time; never does either. */
export interface Way {
  readonly afterMs?: number;
  readonly fails?: string;
  /** Time from open to the answer to HELLO, ms; `"never"` for a transport that opens and then says nothing. */
  readonly answersMs?: number | "never" | "refuses";
}

/** A contender whose dials are counted. */
export class Path {
  readonly name: "webtransport" | "websocket";
  way: Way;
  started: number[] = [];
  aborted = 0;
  closed = 0;
  readonly opened: Transport[] = [];
  serve: (transport: Transport) => void = () => {};

  constructor(name: "webtransport" | "websocket", way: Way) {
    this.name = name;
    this.way = way;
  }

  readonly dial = (signal: AbortSignal): Promise<Transport> => {
    this.started.push(performance.now());
    const { afterMs, fails } = this.way;
    return new Promise((resolve, reject) => {
      signal.addEventListener("abort", () => {
        this.aborted++;
        reject(signal.reason);
      });
      if (afterMs === undefined) return;
      setTimeout(() => {
        if (fails !== undefined) return reject(new Error(fails));
        const { a, b } = memoryPair();
        this.serve(b);
        const transport = named(a, this.name, () => this.closed++);
        this.opened.push(transport);
        resolve(transport);
      }, afterMs);
    });
  };
}

/** A transport under another name, that counts when it is closed. */
function named(
  transport: MemoryTransport,
  name: "webtransport" | "websocket",
  onClose: () => void,
): Transport {
  return {
    name,
    capabilities: transport.capabilities,
    start: (events) => transport.start(events),
    write: (lane, record) => transport.write(lane, record),
    bufferedBytes: (lane) => transport.bufferedBytes(lane),
    close: (code, reason) => {
      onClose();
      transport.close(code, reason);
    },
  };
}

/** A race of two contenders, and what it chose. */
export function race(first: Way, second: Way, options: RaceOptions = {}) {
  const paths = [new Path("webtransport", first), new Path("websocket", second)] as const;
  const choices: TransportChoice[] = [];
  return {
    race: new Race(paths, { onChoice: (choice) => choices.push(choice), ...options }),
    paths,
    choices,
  };
}
