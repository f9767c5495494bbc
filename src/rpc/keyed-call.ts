import type { Bytes } from "../core/bytes.ts";
import type { Codec } from "../core/codecs/codec.ts";
import { type ErrorName, StreamLostError, WireError } from "../core/errors.ts";
import type { Failure } from "../core/wire/metadata.ts";
import { CallError, toFailure } from "./errors.ts";
import { fingerprint } from "./fingerprint.ts";
import type { IdempotencyWindow } from "./idempotency.ts";
import type { KeyedRun, Outcome, RunOwner } from "./keyed-run.ts";

/** Failures that say nothing of the request: the same call can do better another time. */
const PASSING: ReadonlySet<ErrorName> = new Set([
  "ERR_CANCELLED",
  "ERR_DEADLINE",
  "ERR_OVERLOADED",
  "ERR_TIMEOUT",
  "ERR_CONNECTION_LOST",
  "ERR_SESSION_UNKNOWN",
  "ERR_SESSION_EXPIRED",
  "ERR_TAKEOVER",
  "ERR_GOING_AWAY",
  "ERR_PEER_GONE",
]);

/** What a call with an idempotency key is found by, besides its caller. */
export interface KeyedRequest {
  readonly method: string;
  readonly key: string;
  /** The request as it came. */
  readonly message: Bytes;
  readonly codec: Codec;
}

/** The part that one call has in the run of its handler: it owns the run, has joined it, or came after it. */
export class KeyedCall {
  readonly #window: IdempotencyWindow;
  readonly #id: string;
  /** Answers are kept in the codec of their request, so a request in another one is another one. */
  readonly #request: string;
  readonly #method: string;
  readonly #codec: Codec;
  #run: KeyedRun | undefined;
  #owns = false;

  /** @param identity - of the caller */
  constructor(window: IdempotencyWindow, identity: string, request: KeyedRequest) {
    const { method, key, message, codec } = request;
    this.#window = window;
    this.#id = `${identity.length}:${method.length}:${identity}${method}${key}`;
    this.#request = `${codec.name}:${fingerprint(message)}`;
    this.#method = method;
    this.#codec = codec;
  }

  /**
   * Ask for the outcome.
   * @returns `undefined` when the caller is to run the handler; a promise of the outcome while it runs for another
   *   call, which gives `undefined` when that is given up: ask again then.
   * @throws {CallError} `ERR_VALIDATION` when the key was used with another request, `ERR_OVERLOADED` when too many
   *   handlers run.
   */
  enter(owner: RunOwner): Outcome | Promise<Outcome | undefined> | undefined {
    const found = this.#window.enter(this.#id, this.#request, owner);
    switch (found.kind) {
      case "run":
        this.#run = found.run;
        this.#owns = true;
        return undefined;
      case "join":
        this.#run = found.run;
        return found.run.join();
      case "replay":
        return found.outcome;
      case "conflict":
        throw refusal("ERR_VALIDATION", this.#method, "its idempotency key was used for another request");
      case "full":
        throw refusal("ERR_OVERLOADED", this.#method, "too many calls with a key are running");
    }
  }

  /** The handler has answered. The bytes are copied: a handler may use its own again. */
  answered(answer: Bytes): void {
    if (this.#owns) this.#run?.settle({ kind: "answer", answer: answer.slice() }, true);
  }

  /**
   * The handler, or the middleware around it, has failed.
   * @returns whether repeats get this failure.
   */
  failed(error: unknown): boolean {
    const run = this.#run;
    if (run === undefined || run.settled || !this.#owns) return false;
    const keep = !run.aborted && !(error instanceof WireError && PASSING.has(error.code));
    run.settle({ kind: "failure", failure: this.#encode(error) }, keep);
    return keep;
  }

  #encode(error: unknown): Failure {
    try {
      return toFailure(error, this.#codec);
    } catch {
      return { code: "ERR_INTERNAL", message: "Internal error" };
    }
  }

  /**
   * The caller does not wait any longer.
   * @param waitMs - how long its answer is of use
   * @returns whether the run decides what becomes of the handler.
   */
  leave(reason: CallError, waitMs: number): boolean {
    const isLost = reason.cause instanceof StreamLostError;
    this.#run?.leave(reason, isLost ? Math.min(waitMs, this.#window.options.keepMs) : 0);
    return this.#owns;
  }

  /** The call is over: no run may be left without an end. */
  close(): void {
    if (this.#owns) this.#run?.giveUp();
  }

  /** The error that a failure was. @throws {ProtocolError} when its details cannot be decoded. */
  errorOf({ code, name = code, message = code, details }: Failure): CallError {
    return new CallError(code, name, message, details && this.#codec.decode(details));
  }
}

function refusal(code: ErrorName, method: string, why: string): CallError {
  return new CallError(code, code, `Cannot call ${method}: ${why}`);
}
