import type { Bytes } from "../bytes.ts";
import { ProtocolError } from "../errors.ts";

/** Ciphers that records may be sealed with. */
export type AeadName = "aes-256-gcm" | "chacha20-poly1305";

/** Length of a key, bytes. */
export const AEAD_KEY_BYTES = 32;
/** Length of a nonce, bytes. The same key must never see the same nonce twice. */
export const AEAD_NONCE_BYTES = 12;
/** What a sealed text is longer than the plain one: the tag at its end, bytes. */
export const AEAD_TAG_BYTES = 16;

/**
 * Authenticated encryption with one key. No session uses it yet: sealing records is the next version's.
 *
 * A runtime that seals at once gives bytes, one that takes its time a promise of them: the caller awaits either, and
 * loses nothing where there is nothing to wait for.
 */
export interface Aead {
  readonly name: AeadName;
  /**
   * Encrypt `plain`, and vouch for `associated`, which is not part of what comes out.
   * @param nonce - {@link AEAD_NONCE_BYTES}
   * @returns the encrypted bytes and the tag.
   * Source: RFC 5116, section 2.1.
   */
  seal(plain: Bytes, nonce: Bytes, associated: Bytes): Bytes | Promise<Bytes>;
  /**
   * What was sealed.
   * @throws {ProtocolError} `ERR_PROTOCOL` when the key, the nonce or any byte is another one. Nothing of the text
   *   comes out then.
   */
  open(sealed: Bytes, nonce: Bytes, associated: Bytes): Bytes | Promise<Bytes>;
}

/** What {@link Aead.open} throws: the same, whatever is wrong. */
export function notGenuine(name: AeadName): ProtocolError {
  return new ProtocolError("ERR_PROTOCOL", `Cannot open ${name}: it is not what was sealed with this key`);
}
