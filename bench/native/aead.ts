import { AEAD_KEY_BYTES, AEAD_NONCE_BYTES } from "../../src/core/security/aead.ts";
import { nativeAead } from "../../src/node/native.ts";
import { webAead } from "../../src/security/web-aead.ts";
import { makeInput } from "../../test/compression/inputs.ts";
import { type Bench, check, type Figure } from "../harness.ts";
import { twins } from "./twins.ts";

/** AES-256-GCM at once, against that of WebCrypto. Sealing is not part of sessions yet. */
export const aead: Bench = {
  id: "native",
  async run(plan) {
    const key = makeInput("noise", AEAD_KEY_BYTES, 1);
    const nonce = makeInput("noise", AEAD_NONCE_BYTES, 2);
    const associated = makeInput("noise", 8, 3);
    const native = nativeAead("aes-256-gcm", key);
    check(native !== undefined, "TIDEWAY_NATIVE is 0");
    const web = await webAead(key);
    const figures: Figure[] = [];
    for (const length of [64, 1_024, 65_536]) {
      const plain = makeInput("json", length, 4);
      const sealed = await native.seal(plain, nonce, associated);
      check(Buffer.compare(sealed, await web.seal(plain, nonce, associated)) === 0, "sealed in two ways");
      check(Buffer.compare(await web.open(sealed, nonce, associated), plain) === 0, "opened to another text");
      figures.push(
        await twins(plan, `seal ${length} B, node:crypto`, () => native.seal(plain, nonce, associated), [
          "WebCrypto",
          () => web.seal(plain, nonce, associated),
        ]),
        await twins(plan, `open ${length} B, node:crypto`, () => native.open(sealed, nonce, associated), [
          "WebCrypto",
          () => web.open(sealed, nonce, associated),
        ]),
      );
    }
    return figures;
  },
};
