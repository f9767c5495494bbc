import { concatBytes } from "../../src/core/bytes.ts";
import { makeInput } from "../../test/compression/inputs.ts";
import { type Bench, check, type Figure } from "../harness.ts";
import { twins } from "./twins.ts";

/** Copies: `Buffer.copy` and `Buffer.concat` against `set`, as records are put together. */
export const bytes: Bench = {
  id: "native",
  async run(plan) {
    const figures: Figure[] = [];
    for (const length of [64, 4_096, 1_048_576]) {
      const source = Buffer.from(makeInput("noise", length, 1));
      const into = Buffer.from(new ArrayBuffer(length));
      const plain = new Uint8Array(into.buffer);
      source.copy(into);
      check(into.equals(source), "copied something else");
      figures.push(
        await twins(plan, `copy ${length} B, Buffer.copy`, () => source.copy(into), [
          "set",
          () => plain.set(source),
        ]),
      );
      const parts = [source, source, source, source];
      const total = 4 * length;
      check(Buffer.concat(parts).equals(concatBytes(parts, total)), "joined to something else");
      figures.push(
        await twins(plan, `join 4 x ${length} B, Buffer.concat`, () => Buffer.concat(parts, total), [
          "concatBytes",
          () => concatBytes(parts, total),
        ]),
      );
    }
    return figures;
  },
};
