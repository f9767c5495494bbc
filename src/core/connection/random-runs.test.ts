import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { closedCodes, openStream, Pair, type PairOptions, readAll, type Side } from "../../../test/pair.ts";
import type { Bytes } from "../bytes.ts";
import { StreamError } from "../errors.ts";

const cancelled = () => new StreamError("ERR_CANCELLED", "no");

/** What a run of random operations does at one step. */
type Step =
  | { readonly do: "open"; readonly side: Side }
  | { readonly do: "send"; readonly stream: number; readonly bytes: number }
  | { readonly do: "finish" | "read" | "release"; readonly stream: number }
  | { readonly do: "reset" | "stop"; readonly stream: number }
  | { readonly do: "move"; readonly side: Side }
  | { readonly do: "advance"; readonly ms: number };

const side = fc.constantFrom<Side>("client", "server");
const stream = fc.nat(15);
const size = fc.oneof(
  fc.nat(100),
  fc.nat(5_000),
  fc.nat(200_000),
  fc.constantFrom(0, 65_536, 65_535, 131_072),
);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 2, arbitrary: fc.record({ do: fc.constant("open" as const), side }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constant("send" as const), stream, bytes: size }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("read" as const), stream }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom("finish" as const, "release" as const), stream }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("reset" as const, "stop" as const), stream }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("move" as const), side }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("advance" as const), ms: fc.nat(200) }) },
);

/** One end of a stream in a run: what it said, what it read. */
interface End {
  readonly stream: ReturnType<typeof openStream>;
  readonly side: Side;
  readonly sent: Bytes[];
  readonly read: Bytes[];
  aborted: boolean;
  peer: End | undefined;
}

/** Plays random steps on a pair and checks what was promised. */
class Run {
  readonly pair: Pair;
  readonly ends: End[] = [];
  readonly #waiting: Record<Side, End[]> = { client: [], server: [] };
  #serial = 0;

  constructor(options: PairOptions) {
    this.pair = new Pair(options);
    this.pair.onEvent = (at, event) => {
      if (event.kind !== "stream") return;
      const opener = this.#waiting[at === "client" ? "server" : "client"].find(
        (end) => end.stream.id === event.stream.id,
      );
      if (opener === undefined) throw new Error(`Nobody opened stream ${event.stream.id}`);
      const end: End = { stream: event.stream, side: at, sent: [], read: [], aborted: false, peer: opener };
      opener.peer = end;
      this.ends.push(end);
    };
  }

  play(step: Step): void {
    const { pair } = this;
    if (step.do === "open") {
      const opened = openStream(pair[step.side], `n${this.#serial++ % 5}`);
      const end: End = {
        stream: opened,
        side: step.side,
        sent: [],
        read: [],
        aborted: false,
        peer: undefined,
      };
      this.ends.push(end);
      this.#waiting[step.side].push(end);
    } else if (step.do === "move") pair.deliver(step.side);
    else if (step.do === "advance") pair.advance(step.ms);
    else {
      const end = this.ends[step.stream % Math.max(1, this.ends.length)];
      if (end !== undefined) this.#act(end, step);
    }
  }

  #act(end: End, step: Step & { stream: number }): void {
    const { stream } = end;
    if (step.do === "send" && stream.sendError === undefined) {
      const payload = new Uint8Array(step.bytes).fill(this.#serial++);
      if (stream.trySend(payload)) end.sent.push(payload);
    } else if (step.do === "finish") stream.finish();
    else if (step.do === "read") end.read.push(...readAll(stream));
    else if (step.do === "release") stream.release();
    else if (step.do === "reset" || step.do === "stop") {
      end.aborted = true;
      stream[step.do](cancelled());
    }
  }

  /** Finish everything, read everything, and check that nothing is left. */
  end(): void {
    const { pair } = this;
    for (const end of this.ends) end.stream.finish();
    for (let i = 0; i < 60; i++) {
      pair.advance(30);
      for (const end of this.ends) {
        end.read.push(...readAll(end.stream));
        end.stream.finish();
        end.stream.release();
      }
    }
    expect(closedCodes(pair)).toEqual([]);
    for (const end of this.ends) {
      const said = end.peer?.sent ?? [];
      // What was read is the beginning of what was said; all of it unless somebody gave up.
      expect(end.read.length).toBeLessThanOrEqual(said.length);
      for (const [i, message] of end.read.entries()) {
        expect(message.length).toBe(said[i]!.length);
        expect(message[0]).toBe(said[i]![0]);
        expect(message.at(-1)).toBe(said[i]!.at(-1));
      }
      if (!end.aborted && end.peer?.aborted !== true) expect(end.read.length).toBe(said.length);
    }
    for (const at of ["client", "server"] as const) this.#checkQuiet(at);
  }

  #checkQuiet(at: Side): void {
    const { mux } = this.pair[at];
    const peer = this.pair[at === "client" ? "server" : "client"].mux;
    expect(mux.table.size).toBe(0);
    expect(mux.outbox.queuedBytes).toBe(0);
    expect(mux.window.received).toBe(mux.window.consumed);
    expect(mux.window.received).toBe(peer.outbox.sent);
    expect(mux.outbox.ready).toBe(false);
    expect(mux.stalls.deadline).toBe(Number.POSITIVE_INFINITY);
    expect(peer.outbox.limit).toBeLessThanOrEqual(mux.window.limit);
  }
}

describe("random runs", () => {
  const small = {
    streamWindowBytes: 4_096,
    sessionWindowBytes: 4_096,
    maxStreams: 16,
    maxQueuedBytes: 300_000,
  };
  const kindsOfPair: readonly (readonly [string, PairOptions, number])[] = [
    ["defaults", {}, 120],
    ["small windows", { limits: small, serverLimits: { ...small, maxFrameBytes: 4_096 } }, 120],
    ["byte lanes", { messageBoundaries: false, pieceBytes: 1_013, maxBytes: 3_000 }, 60],
  ];
  for (const [name, options, runs] of kindsOfPair) {
    test(`what one side sent is what the other read, ${name}`, () => {
      fc.assert(
        fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
          const run = new Run(options);
          for (const one of steps) run.play(one);
          run.end();
        }),
        { numRuns: runs, seed: 7 },
      );
    });
  }
});
