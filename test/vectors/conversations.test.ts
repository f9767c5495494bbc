import { describe, expect, it } from "vitest";
import { StreamError } from "../../src/core/errors.ts";
import { MAIN_LANE } from "../../src/core/lanes/lane.ts";
import type { Stream } from "../../src/core/streams/stream.ts";
import type { Role } from "../../src/core/streams/stream-table.ts";
import { encodeMetadata } from "../../src/core/wire/metadata.ts";
import { type End, FRESH, LIMITS } from "./end.ts";
import { Talk, text } from "./talk.ts";
import { hexOf, load } from "./vectors.ts";

interface Said {
  readonly conversation: string;
  readonly sender: Role;
}

const CONVERSATIONS: Readonly<Record<string, () => Talk>> = {
  "unary call": () => {
    const talk = new Talk();
    const call = talk.open("math.add", "[1,2]", true);
    talk.settle();
    const answer = talk.accepted[0]!;
    expect(Buffer.from(answer.read()!).toString()).toBe("[1,2]");
    answer.trySend(text("3"));
    answer.finish();
    answer.release();
    talk.settle();
    expect(Buffer.from(call.read()!).toString()).toBe("3");
    talk.settle().wait(25);
    expect([talk.client.connection.mux.table.size, talk.server.connection.mux.table.size]).toEqual([0, 0]);
    return talk;
  },
  "second call": () => {
    const talk = new Talk().settle();
    talk.open("echo", "1", true);
    talk.open("echo", "2", true);
    talk.settle();
    for (const stream of talk.accepted) {
      stream.trySend(stream.read()!);
      stream.finish();
    }
    return talk.settle();
  },
  "failed call": () => {
    const talk = new Talk();
    talk.open("buy", "7", true);
    talk.settle();
    const answer = talk.accepted[0]!;
    answer.read();
    answer.finish(encodeMetadata({ failure: { code: "ERR_APPLICATION", name: "OutOfStock" } }, LIMITS));
    return talk.settle();
  },
  "cancelled stream": () => {
    const talk = new Talk();
    const stream = talk.open("feed", "1", false);
    talk.settle();
    const enough = new StreamError("ERR_CANCELLED", "enough");
    stream.stop(enough);
    stream.reset(enough);
    return talk.settle();
  },
  farewell: () => {
    const talk = new Talk().settle();
    talk.server.connection.goAway("restart", 1_000);
    talk.settle();
    talk.client.connection.close("ERR_NONE", "bye");
    return talk.settle();
  },
  "byte lane": () => new Talk({ messageBoundaries: false }).settle(),
  resume: () => {
    const talk = new Talk({ resumable: true, recordBytes: 2_048 });
    const up = talk.open("up", "hello", false);
    talk.settle();
    const long = "*".repeat(2_100);
    up.trySend(text(long));
    talk.open("lost", "x", true);
    talk.accepted[0]!.trySend(text("news"));
    talk.say("client", 1);
    talk.say("server");
    talk.cut().settle();
    const [first, second] = talk.accepted as [Stream, Stream];
    expect([first, first, second, up].map((stream) => Buffer.from(stream.read()!).toString())).toEqual([
      "hello",
      long,
      "x",
      "news",
    ]);
    return talk;
  },
  "resume told again": () => {
    const talk = new Talk({ resumable: true });
    const [a, b, c] = ["a", "b", "c"].map((name, i) => talk.open(name, `${i + 1}`, false)) as Stream[];
    talk.settle();
    const [gone, enough] = [
      new StreamError("ERR_CANCELLED", "gone"),
      new StreamError("ERR_CANCELLED", "enough"),
    ];
    a!.reset(gone);
    b!.stop(enough);
    c!.stop(enough);
    c!.reset(gone);
    talk.say("client");
    talk.cut().settle();
    expect(talk.accepted.map(({ receive, failure }) => [receive.error?.message, failure?.message])).toEqual([
      ["gone", undefined],
      [undefined, "enough"],
      ["gone", "enough"],
    ]);
    return talk;
  },
  "resume of an unknown session": () => {
    const talk = new Talk({ resumable: true });
    talk.open("a", "1", false);
    talk.settle();
    for (const end of [talk.client, talk.server]) end.lose();
    talk.reconnect({}, { mux: undefined as never, sessionId: FRESH });
    talk.say("client", 1);
    talk.say("server", 1);
    talk.open("again", "1", false);
    return talk.settle();
  },
  move: () => {
    const talk = new Talk({ resumable: true });
    const stream = talk.open("a", "1", false);
    talk.settle();
    const { client, server } = talk;
    talk.reconnect({ claim: () => client.connection.supersede() });
    talk.say("client", 1);
    stream.trySend(text("2"));
    // What the first connection still says; the server does not read it any more.
    const note = (end: End) => {
      const records = end.turn(talk.now);
      talk.said.push(
        ...records.map((record) => ({ sender: end.connection.options.role, hex: hexOf(record) })),
      );
      return records;
    };
    note(client);
    server.connection.supersede();
    for (const record of note(server)) client.connection.receive(MAIN_LANE, record, talk.now);
    note(client);
    expect(client.events.at(-1)).toMatchObject({ kind: "closed", resumable: true });
    talk.settle();
    expect(talk.accepted.flatMap((accepted) => [accepted.read(), accepted.read()])).toEqual([
      text("1"),
      text("2"),
    ]);
    return talk;
  },
};

describe("vectors/conversations.json", () => {
  const vectors = load<Said>("conversations");
  for (const [name, talk] of Object.entries(CONVERSATIONS)) {
    it(`holds ${name} byte by byte`, () => {
      const expected = vectors.filter(({ conversation }) => conversation === name);
      expect(talk().said).toEqual(expected.map(({ sender, hex }) => ({ sender, hex })));
    });
  }

  it("has no conversation that is not held", () => {
    expect(new Set(vectors.map(({ conversation }) => conversation))).toEqual(
      new Set(Object.keys(CONVERSATIONS)),
    );
  });
});
