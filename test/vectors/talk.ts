import { expect } from "vitest";
import type { Bytes } from "../../src/core/bytes.ts";
import { MAIN_LANE } from "../../src/core/lanes/lane.ts";
import type { Stream } from "../../src/core/streams/stream.ts";
import type { Role } from "../../src/core/streams/stream-table.ts";
import { End, type EndOptions, NO_METADATA, NOW } from "./end.ts";
import { hexOf } from "./vectors.ts";

/** The bytes of a text. */
export const text = (value: string): Bytes => new Uint8Array(Buffer.from(value));

/** Two ends, and every record in the order in which it was sent, those that are lost included. */
export class Talk {
  client: End;
  server: End;
  readonly said: { readonly sender: Role; readonly hex: string }[] = [];
  now = NOW;
  readonly #options: EndOptions;
  readonly #accepted: Stream[] = [];

  constructor(options: Partial<EndOptions> = {}) {
    this.#options = { messageBoundaries: true, ...options };
    this.client = new End("client", this.#options);
    this.server = new End("server", this.#options);
  }

  /** Carry records to and fro until none is left; all of one turn first, then the answer. */
  settle(): this {
    for (let moved = true; moved; ) {
      moved = false;
      for (const [from, to] of [
        [this.client, this.server],
        [this.server, this.client],
      ] as const) {
        for (const record of from.turn(this.now)) {
          moved = true;
          this.said.push({ sender: from.connection.options.role, hex: hexOf(record) });
          to.connection.receive(MAIN_LANE, record.slice(), this.now);
        }
      }
    }
    return this;
  }

  /** What `from` has to say, noted; the first `arrives` of it reach the other side. */
  say(from: Role, arrives = 0): void {
    const to = from === "client" ? this.server : this.client;
    for (const [i, record] of this[from].turn(this.now).entries()) {
      this.said.push({ sender: from, hex: hexOf(record) });
      if (i < arrives) to.connection.receive(MAIN_LANE, record.slice(), this.now);
    }
  }

  /** New connections that carry the session on. */
  reconnect(client: Partial<EndOptions> = {}, server: Partial<EndOptions> = {}): void {
    const lost = { client: this.client.connection.mux, server: this.server.connection.mux };
    this.#accepted.push(...this.accepted.slice(this.#accepted.length));
    this.client = new End("client", { ...this.#options, mux: lost.client, ...client }, this.now);
    this.server = new End("server", { ...this.#options, mux: lost.server, ...server }, this.now);
  }

  /** Lose the connection, and carry the session on over another one. */
  cut(): this {
    for (const end of [this.client, this.server]) end.lose();
    this.reconnect();
    return this;
  }

  open(name: string, message: string, end: boolean) {
    const stream = this.client.connection.mux.open({ name, priority: 3, metadata: NO_METADATA });
    expect(stream.trySend(text(message))).toBe(true);
    if (end) stream.finish();
    return stream;
  }

  /** Streams that the server was asked to accept. */
  get accepted(): Stream[] {
    const heard = this.server.events.flatMap((event) => (event.kind === "stream" ? [event.stream] : []));
    return [...this.#accepted, ...heard];
  }

  wait(ms: number): this {
    this.now += ms;
    for (const { connection } of [this.client, this.server]) {
      if (connection.deadline <= this.now) connection.handleTimeout(this.now);
    }
    return this.settle();
  }
}
