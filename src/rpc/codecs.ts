import type { Codec } from "../core/codecs/codec.ts";
import type { Hello } from "../core/wire/hello.ts";
import type { Session } from "../session/session.ts";
import { CallError } from "./errors.ts";

/** The codec of a call's messages. */
export interface CallCodec extends Codec {
  /** Set where a compiled schema makes the messages, and checks them: the codec of the details of errors. */
  readonly details?: Codec;
}

/**
 * Position of the codec for a call in this side's list: the first that the peer has too; the first of all while the
 * peer is not known.
 * @throws {CallError} `ERR_CODEC` when there is none in common.
 */
export function chooseCodec(session: Session): number {
  const { peer, codecs } = session;
  if (peer === undefined || peer.codecs.includes((codecs[0] as Codec).name)) return 0;
  const at = codecs.findIndex((codec) => peer.codecs.includes(codec.name));
  if (at < 0) {
    const mine = codecs.map((codec) => codec.name).join(", ");
    throw new CallError(
      "ERR_CODEC",
      "ERR_CODEC",
      `Cannot call: peer has codecs ${peer.codecs.join(", ")}, this side ${mine}`,
    );
  }
  return at;
}

/** The codec that the opener of a stream means by a position in its list; `undefined` when this side lacks it. */
export function codecOfPeer(session: Session, peer: Hello, position: number): Codec | undefined {
  const name = peer.codecs[position];
  return session.codecs.find((codec) => codec.name === name);
}
