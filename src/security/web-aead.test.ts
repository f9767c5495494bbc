import { randomBytes } from "node:crypto";
import { afterEach, describe, expect, it } from "vitest";
import type { Bytes } from "../core/bytes.ts";
import { AEAD_KEY_BYTES, AEAD_NONCE_BYTES, AEAD_TAG_BYTES, type Aead } from "../core/security/aead.ts";
import { nativeAead } from "../node/native.ts";
import { webAead } from "./web-aead.ts";

const bytesOf = (hex: string): Bytes => new Uint8Array(Buffer.from(hex, "hex"));
const some = (length: number): Bytes => new Uint8Array(randomBytes(length));
const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

/** AES-256-GCM, test case 16 of its specification; ChaCha20-Poly1305, RFC 8439, section 2.8.2. */
const VECTORS = {
  "aes-256-gcm": {
    key: "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308",
    nonce: "cafebabefacedbaddecaf888",
    associated: "feedfacedeadbeeffeedfacedeadbeefabaddad2",
    plain:
      "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
    sealed:
      "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b",
  },
  "chacha20-poly1305": {
    key: "808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f",
    nonce: "070000004041424344454647",
    associated: "50515253c0c1c2c3c4c5c6c7",
    plain: Buffer.from(
      "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.",
    ).toString("hex"),
    sealed:
      "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d63dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b3692ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691",
  },
} as const;

type Name = keyof typeof VECTORS;

const IMPLEMENTATIONS: readonly (readonly [string, Name, (key: Bytes) => Aead | Promise<Aead>])[] = [
  ["WebCrypto", "aes-256-gcm", webAead],
  ["node:crypto", "aes-256-gcm", (key) => nativeAead("aes-256-gcm", key)!],
  ["node:crypto", "chacha20-poly1305", (key) => nativeAead("chacha20-poly1305", key)!],
];

describe.each(IMPLEMENTATIONS)("%s, %s", (_, name, make) => {
  const { key, nonce, associated, plain, sealed } = VECTORS[name];

  it("seals and opens what its specification says", async () => {
    const aead = await make(bytesOf(key));
    expect(aead.name).toBe(name);
    expect(hex(await aead.seal(bytesOf(plain), bytesOf(nonce), bytesOf(associated)))).toBe(sealed);
    expect(hex(await aead.open(bytesOf(sealed), bytesOf(nonce), bytesOf(associated)))).toBe(plain);
  });

  it("gives plain arrays of their own, of every length", async () => {
    const aead = await make(bytesOf(key));
    for (const length of [0, 1, 15, 16, 17, 1_000, 65_536]) {
      const text = some(length);
      const whole = await aead.seal(text, bytesOf(nonce), bytesOf(associated));
      expect(whole.length).toBe(length + AEAD_TAG_BYTES);
      const back = await aead.open(whole, bytesOf(nonce), bytesOf(associated));
      expect([Object.getPrototypeOf(back) === Uint8Array.prototype, hex(back) === hex(text)]).toEqual([
        true,
        true,
      ]);
    }
  });

  it("opens nothing of which a bit is another one", async () => {
    const aead = await make(bytesOf(key));
    const parts = { sealed: bytesOf(sealed), nonce: bytesOf(nonce), associated: bytesOf(associated) };
    const refusal = { code: "ERR_PROTOCOL" };
    for (const [part, bytes] of Object.entries(parts))
      for (let at = 0; at < bytes.length; at += 3) {
        const bad = bytes.slice();
        bad[at] = (bad[at] as number) ^ (1 << (at % 8));
        const all = { ...parts, [part]: bad };
        await expect((async () => aead.open(all.sealed, all.nonce, all.associated))()).rejects.toMatchObject(
          refusal,
        );
      }
    for (const length of [0, 1, 15, 16, parts.sealed.length - 1])
      await expect(
        (async () => aead.open(parts.sealed.slice(0, length), parts.nonce, parts.associated))(),
      ).rejects.toMatchObject(refusal);
    const other = await make(some(AEAD_KEY_BYTES));
    await expect(
      (async () => other.open(parts.sealed, parts.nonce, parts.associated))(),
    ).rejects.toMatchObject(refusal);
  });
});

describe("nativeAead() and webAead()", () => {
  afterEach(() => {
    delete process.env["TIDEWAY_NATIVE"];
  });

  it("open what the other one has sealed", async () => {
    for (let i = 0; i < 200; i++) {
      const [key, nonce, associated] = [some(AEAD_KEY_BYTES), some(AEAD_NONCE_BYTES), some(i % 40)];
      const [native, web] = [nativeAead("aes-256-gcm", key)!, await webAead(key)];
      const plain = some((i * 37) % 3_000);
      const sealed = [
        await native.seal(plain, nonce, associated),
        await web.seal(plain, nonce, associated),
      ] as const;
      expect(hex(sealed[0])).toBe(hex(sealed[1]));
      expect(hex(await web.open(sealed[0], nonce, associated))).toBe(hex(plain));
      expect(hex(await native.open(sealed[1], nonce, associated))).toBe(hex(plain));
    }
  });

  it("leave the native one out when told so", () => {
    const key = some(AEAD_KEY_BYTES);
    expect(nativeAead("aes-256-gcm", key, false)).toBeUndefined();
    process.env["TIDEWAY_NATIVE"] = "0";
    expect(nativeAead("aes-256-gcm", key)).toBeUndefined();
  });
});
