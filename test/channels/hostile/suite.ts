import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CELL_BYTES, type ChannelKind, HEADER_BYTES } from "../../../src/channels/layout.ts";
import { ProtocolError, WireError } from "../../../src/index.ts";
import { Random } from "../../../src/testing/random.ts";
import type { JobThread, ThreadHost } from "../threads/host.ts";
import { type HostileStyle, KINDS, openTarget, STYLES, type Target, use } from "./cases.ts";
import { ENOUGH, WRITING } from "./vandal.ts";

const ROUNDS = 60;
/** Uses of a channel that nothing has happened to, at most. */
const MOST_USES = 1_000;

/** A thread of a runtime that writes garbage while this one uses the channel. */
export function hostileSuite(name: string, host: () => ThreadHost): void {
  describe(`a thread of ${name} that writes garbage meanwhile`, { timeout: 120_000 }, () => {
    let vandal: JobThread;
    beforeAll(() => {
      vandal = host().start();
    });
    afterAll(() => vandal.terminate());

    for (const kind of KINDS) {
      test.each(STYLES)(
        `gives typed errors, and nothing is read past its place: ${kind}, %s`,
        async (style) => {
          expect(await rounds(vandal, kind, style)).toBeGreaterThan(ROUNDS / 2);
        },
      );

      test(`gives typed errors where a length changes at any time: ${kind}`, async () => {
        const at = (HEADER_BYTES + (kind === "spsc" ? 0 : CELL_BYTES)) >> 2;
        expect(await rounds(vandal, kind, "coded", at)).toBeGreaterThan(0); // it is right half of the time
      });
    }
  });
}

/** @returns in how many rounds garbage was refused. */
async function rounds(
  vandal: JobThread,
  kind: ChannelKind,
  style: HostileStyle,
  lengthAt?: number,
): Promise<number> {
  let refused = 0;
  for (let seed = 0; seed < ROUNDS; seed++) {
    const target = openTarget(kind, style);
    const signal = new SharedArrayBuffer(4);
    const where = lengthAt === undefined ? {} : { lengthAt };
    const job = vandal.run({ role: "vandal", memory: target.memory, seed, signal, ...where });
    const error = await useUntilError(target, new Random(seed), new Int32Array(signal));
    await job;
    if (error !== undefined) expect(error).toBeInstanceOf(WireError);
    if (error instanceof ProtocolError) refused++;
  }
  return refused;
}

/** Use a channel from the first write of garbage on. @returns the first error. */
async function useUntilError(target: Target, random: Random, signal: Int32Array): Promise<unknown> {
  while (Atomics.load(signal, 0) !== WRITING) await new Promise((resolve) => setTimeout(resolve, 0));
  try {
    for (let uses = 0; uses < MOST_USES; uses++) use(target, random);
    return undefined;
  } catch (error) {
    return error;
  } finally {
    Atomics.store(signal, 0, ENOUGH);
  }
}
