import { type Bytes, detachView } from "../bytes.ts";
import { ProtocolError } from "../errors.ts";
import { EARLY_BYTES, EARLY_RECORDS } from "../limits.ts";

/** A record of which the frames from `at` on are not read; 0 for the record as it came. */
export interface EarlyRecord {
  readonly record: Bytes;
  readonly at: number;
}

/**
 * What a client sends before it has heard of the server: the client counts it, the server keeps it unread until the
 * application has let the client in.
 *
 * Source: docs/protocol.md, section 6.3.
 */
export class EarlyData {
  readonly #maxBytes: number;
  #kept: EarlyRecord[] = [];
  #keptBytes = 0;
  #sentBytes = 0;
  #sentRecords = 0;

  /** @param maxBytes - bytes that a server keeps */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /**
   * Server: keep what follows a HELLO.
   * @throws {ProtocolError} `ERR_LIMIT` when it is too much.
   */
  keep(record: Bytes, at: number): void {
    this.#keptBytes += record.length - at;
    if (this.#keptBytes > this.#maxBytes || this.#kept.length >= EARLY_RECORDS) {
      throw new ProtocolError("ERR_LIMIT", `Cannot accept early data: limit is ${this.#maxBytes} bytes`);
    }
    this.#kept.push({ record: detachView(record), at });
  }

  /** Server: take what was kept, in order. */
  take(): readonly EarlyRecord[] {
    const kept = this.#kept;
    this.#kept = [];
    return kept;
  }

  /** Client: bytes that the next record may have. */
  get room(): number {
    return this.#sentRecords === EARLY_RECORDS ? 0 : EARLY_BYTES - this.#sentBytes;
  }

  /** Client: a record went out with so many bytes behind HELLO. */
  sent(bytes: number): void {
    this.#sentBytes += bytes;
    this.#sentRecords++;
  }
}
