import { check, type Plan, type Work, warmUp } from "../harness.ts";
import type { MessageShape } from "./shapes.ts";

/** A codec for one message shape. */
export interface ShapeCodec {
  encode(message: object): Uint8Array;
  decode(bytes: Uint8Array): object;
}

/** A codec in its best documented configuration. */
export interface CodecContender {
  readonly name: string;
  /** @returns a codec that knows this shape, where it can know shapes. */
  prepare(shape: MessageShape): ShapeCodec;
}

/** What was measured of one codec with one shape. */
export interface CodecRow {
  readonly shape: string;
  readonly codec: string;
  /** Mean bytes of a message. */
  readonly bytes: number;
  /** Time for one message, ns: a sample a run. */
  readonly encodeNs: readonly number[];
  readonly decodeNs: readonly number[];
}

/** Measure all contenders with all shapes in one process, so that each handles several shapes as a program does. */
export async function measureCodecs(
  plan: Plan,
  shapes: readonly MessageShape[],
  contenders: readonly CodecContender[],
): Promise<CodecRow[]> {
  const rows: CodecRow[] = [];
  const prepared = shapes.map((shape) => contenders.map((contender) => contender.prepare(shape)));
  for (const [index, shape] of shapes.entries()) {
    for (const codec of prepared[index]!) checkRoundTrip(shape, codec);
  }
  for (const [index, shape] of shapes.entries()) {
    const codecs = prepared[index]!;
    const encoded = codecs.map((codec) => shape.messages.map((message) => codec.encode(message).slice()));
    const encodes = await alternate(
      plan,
      codecs.map((codec) => encodeAll(shape, codec)),
    );
    const decodes = await alternate(
      plan,
      codecs.map((codec, at) => decodeAll(encoded[at]!, codec)),
    );
    for (const [at, contender] of contenders.entries()) {
      const total = encoded[at]!.reduce((sum, { length }) => sum + length, 0);
      rows.push({
        shape: shape.name,
        codec: contender.name,
        bytes: total / shape.messages.length,
        encodeNs: encodes[at]!,
        decodeNs: decodes[at]!,
      });
    }
  }
  return rows;
}

/**
 * Run each of `works` in turn, many times. No garbage is collected between them on purpose: after some collections an
 * engine throws away the code of what did not run, and short runs would measure how it is made again.
 * @returns for each work the time of one operation, ns, a sample a run.
 */
async function alternate(plan: Plan, works: readonly Work[]): Promise<number[][]> {
  const counts: number[] = [];
  for (const work of works) counts.push(await warmUp(plan, work));
  const samples: number[][] = works.map(() => []);
  for (let run = 0; run < plan.runs; run++) {
    for (const [at, work] of works.entries()) {
      const count = Math.max(256, counts[at]!);
      samples[at]!.push((1e6 * (await work(count))) / count);
    }
  }
  return samples;
}

function encodeAll({ messages }: MessageShape, codec: ShapeCodec): Work {
  return (count) => {
    let bytes = 0;
    const start = performance.now();
    for (let i = 0; i < count; i++) bytes += codec.encode(messages[i % messages.length]!).length;
    const elapsed = performance.now() - start;
    check(bytes >= count, "messages were not encoded");
    return elapsed;
  };
}

function decodeAll(encoded: readonly Uint8Array[], codec: ShapeCodec): Work {
  return (count) => {
    let objects = 0;
    const start = performance.now();
    for (let i = 0; i < count; i++) {
      if (typeof codec.decode(encoded[i % encoded.length]!) === "object") objects++;
    }
    const elapsed = performance.now() - start;
    check(objects === count, "messages were not decoded");
    return elapsed;
  };
}

function checkRoundTrip({ name, messages }: MessageShape, codec: ShapeCodec): void {
  for (const message of messages) {
    const decoded = codec.decode(codec.encode(message).slice());
    check(canonical(decoded) === canonical(message), `${name} came back as another one`);
  }
}

/**
 * A text that is the same for the same message, whatever the order of its fields and the class of its objects. Pairs
 * count as their parts in turn: protobuf has no pairs.
 */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.flat().map(canonical).join()}]`;
  if (typeof value === "bigint") return String(value);
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const fields = Object.entries(value).filter(([name]) => !name.startsWith("$"));
  return `{${fields
    .map(([name, of]) => `${name}:${canonical(of)}`)
    .sort()
    .join()}}`;
}
