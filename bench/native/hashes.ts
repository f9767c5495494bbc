import * as zlib from "node:zlib";
import type { Bytes } from "tideway";
import { fnv64 } from "../../src/core/fnv.ts";
import { nativeSha256 } from "../../src/node/native.ts";
import { makeInput } from "../../test/compression/inputs.ts";
import { type Bench, check, type Figure } from "../harness.ts";
import { twins } from "./twins.ts";

const TOKEN_BYTES = 33;
/** CRC-32 of "123456789", as its catalogue says. */
const CRC_CHECK = 0xcbf43926;

async function webSha256(bytes: Bytes): Promise<Bytes> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}

/** The digest of a resume token; and what tells two requests apart, by FNV-1a of ours and by CRC-32 of zlib. */
export const hashes: Bench = {
  id: "native",
  async run(plan) {
    const token = makeInput("noise", TOKEN_BYTES, 1);
    const sha256 = nativeSha256();
    check(sha256 !== undefined, "TIDEWAY_NATIVE is 0");
    check(Buffer.compare(sha256(token), await webSha256(token)) === 0, "two digests of one token");
    const figures: Figure[] = [
      await twins(plan, "SHA-256 of a token of 33 B, node:crypto", () => sha256(token), [
        "WebCrypto",
        () => webSha256(token),
      ]),
    ];
    const { crc32 } = zlib as unknown as { crc32?: (bytes: Uint8Array) => number };
    if (crc32 === undefined) return figures; // Node 20.15 has it
    check(crc32(Buffer.from("123456789")) === CRC_CHECK, "CRC-32 is not CRC-32");
    for (const length of [64, 1_024, 65_536]) {
      const input = makeInput("json", length, 1);
      figures.push(
        await twins(plan, `32 bits of ${length} B, zlib.crc32`, () => crc32(input), [
          "64 bits by FNV-1a in TypeScript",
          () => fnv64(input),
        ]),
      );
    }
    return figures;
  },
};
