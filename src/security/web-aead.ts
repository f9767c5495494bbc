import type { Bytes } from "../core/bytes.ts";
import { AEAD_TAG_BYTES, type Aead, notGenuine } from "../core/security/aead.ts";

const TAG_BITS = 8 * AEAD_TAG_BYTES;

/**
 * AES-256-GCM by WebCrypto, which every runtime has. It has no ChaCha20-Poly1305.
 * @param key - 32 bytes
 */
export async function webAead(key: Bytes): Promise<Aead> {
  const { subtle } = crypto;
  const imported = await subtle.importKey("raw", key, "AES-GCM", false, ["encrypt", "decrypt"]);
  const algorithm = (iv: Bytes, additionalData: Bytes) =>
    ({ name: "AES-GCM", iv, additionalData, tagLength: TAG_BITS }) as const;
  return {
    name: "aes-256-gcm",
    seal: async (plain, nonce, associated) =>
      new Uint8Array(await subtle.encrypt(algorithm(nonce, associated), imported, plain)),
    open: async (sealed, nonce, associated) => {
      try {
        return new Uint8Array(await subtle.decrypt(algorithm(nonce, associated), imported, sealed));
      } catch {
        throw notGenuine("aes-256-gcm");
      }
    },
  };
}
