import { isAscii } from "node:buffer";
import { decodeText, encodeText } from "../../src/core/bytes.ts";
import { type Bench, check, type Figure } from "../harness.ts";
import { twins } from "./twins.ts";

/** What `Buffer` has beyond its types. */
interface Slices {
  latin1Slice(this: Uint8Array, from: number, to: number): string;
}

const { latin1Slice } = Buffer.prototype as unknown as Slices;

function nativeDecode(bytes: Uint8Array): string {
  return isAscii(bytes) ? latin1Slice.call(bytes, 0, bytes.length) : decodeText(bytes);
}

const TEXTS: Readonly<Record<string, string>> = {
  ASCII: '{"id":12,"name":"abc def","value":1.5},',
  "mixed text": '{"id":12,"näme":"größe – 日本 😀","v":1.5},',
};

/** UTF-8 both ways: `Buffer` against the encoder and decoder of the web, as the codecs use them. */
export const text: Bench = {
  id: "native",
  async run(plan) {
    const figures: Figure[] = [];
    for (const [kind, part] of Object.entries(TEXTS))
      for (const repeats of [1, 30, 1_500]) {
        const whole = part.repeat(repeats);
        const bytes = encodeText(whole);
        const what = `${kind}, ${bytes.length} B`;
        check(Buffer.compare(Buffer.from(whole), bytes) === 0, `${what} is encoded in two ways`);
        check(nativeDecode(bytes) === whole && decodeText(bytes) === whole, `${what} does not come back`);
        figures.push(
          await twins(plan, `encode ${what}, Buffer.from`, () => Buffer.from(whole), [
            "TextEncoder",
            () => encodeText(whole),
          ]),
          await twins(plan, `decode ${what}, latin1Slice`, () => nativeDecode(bytes), [
            "TextDecoder",
            () => decodeText(bytes),
          ]),
        );
      }
    return figures;
  },
};
