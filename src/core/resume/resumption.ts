import type { Bytes } from "../bytes.ts";
import type { ResumeRequest } from "../connection/connection-options.ts";
import { ProtocolError } from "../errors.ts";
import type { Mux } from "../streams/mux.ts";
import { type FrameReader, MAX_HEADER_BYTES, SESSION_ID } from "../wire/frame.ts";
import * as FrameFlag from "../wire/frame-flag.ts";
import * as FrameType from "../wire/frame-type.ts";
import { type Hello, sameBounds } from "../wire/hello.ts";
import type { RecordWriter } from "../wire/record-writer.ts";
import { encodeResume, RESUME_BODY_BYTES, ResumeInput } from "./resume.ts";

/** No bodies; never written to. An idle connection shares it. */
const NONE: Bytes[] = [];

/**
 * The part of a connection that carries a session on: the RESUME frames that it has to say, and the peer's.
 *
 * Source: docs/protocol.md, section 12.
 */
export class Resumption {
  /** Both sides keep the session when this connection is lost. */
  keeps = false;
  #due: Bytes[] = NONE;
  #input: ResumeInput | undefined;

  /** @param request - what a client asks for: unless another connection still carries it, RESUME goes with HELLO */
  constructor(request: ResumeRequest | undefined) {
    if (request !== undefined && request.claim === undefined) this.tell(request.mux);
  }

  /** Whether RESUME frames wait, and how many bytes they take at most. */
  get waiting(): boolean {
    return this.#due.length > 0;
  }
  get waitingBytes(): number {
    return this.#due.length * RESUME_BODY_BYTES;
  }

  /** Whether a session goes on over this connection. */
  get begun(): boolean {
    return this.#input !== undefined;
  }

  /** Say what this side has of a session. */
  tell(mux: Mux): void {
    this.#due = encodeResume(mux);
  }

  /**
   * Client: the server has answered.
   * @returns the streams that go on; `undefined` when it does not know the session.
   * @throws {ProtocolError} when it does what nobody asked for, or has other bounds than before.
   */
  answered(request: ResumeRequest | undefined, hello: Hello): Mux | undefined {
    if (hello.resumed !== true) {
      this.#due = NONE;
      return undefined;
    }
    if (request === undefined)
      throw new ProtocolError("ERR_PROTOCOL", "Cannot resume: this side did not ask for it");
    if (request.mux.peer === undefined || !sameBounds(request.mux.peer, hello))
      throw new ProtocolError("ERR_PROTOCOL", "Cannot resume: the peer has other limits than before");
    request.claim?.();
    if (request.claim !== undefined) this.tell(request.mux);
    return request.mux;
  }

  /** Both sides have agreed: the peer's RESUME follows. */
  begin(mux: Mux): void {
    this.#input = new ResumeInput(mux);
  }

  /** Apply a frame of the peer's. @returns true with the last one. */
  apply(frame: FrameReader): boolean {
    return this.#input?.apply(frame) === true;
  }

  /** @returns false when more of RESUME must go out before anything else. */
  write(into: RecordWriter): boolean {
    for (let body = this.#due[0]; body !== undefined; body = this.#due[0]) {
      if (into.room < body.length + MAX_HEADER_BYTES) return false;
      this.#due.shift();
      into.frame(FrameType.RESUME, this.waiting ? FrameFlag.MORE : 0, SESSION_ID, body.length);
      into.put(body);
    }
    return true;
  }
}
