import { schema as s, type TypeOf } from "tideway/schema";

/** What a field is in protobuf: its type there, `[]` for many; or the fields of a nested message. */
export type ProtoType =
  | "uint32"
  | "uint64"
  | "double"
  | "bool"
  | "string"
  | "double[]"
  | "string[]"
  | { readonly one: ProtoFields }
  | { readonly many: ProtoFields };

/** Fields of a protobuf message by name, numbered in their order. */
export interface ProtoFields {
  readonly [name: string]: ProtoType;
}

/** A message as applications send it. */
export interface MessageShape {
  readonly name: string;
  readonly schema: { encode(value: never): Uint8Array; decode(bytes: never): unknown };
  readonly proto: ProtoFields;
  /** Messages that differ as those of a program do: names come again, numbers do not. */
  readonly messages: readonly object[];
}

const COUNT = 64;
const START_MS = 1_790_000_000_000;

function shape<T extends object>(
  name: string,
  schema: { encode(value: T): Uint8Array; decode(bytes: never): T },
  proto: ProtoFields,
  make: (index: number) => NoInfer<T>,
): MessageShape {
  return { name, schema, proto, messages: Array.from({ length: COUNT }, (_, index) => make(index)) };
}

const NAMES = ["engine.temperature", "engine.speed", "cabin.humidity", "battery.voltage"];
const PEOPLE = ["ada", "grace", "linus", "margaret", "barbara"];
const TEXTS = [
  "Shall we meet at the usual place, say half past seven?",
  "ok",
  "The build is green again. I will write down what went wrong and send it around tomorrow.",
  "Größe und Maß: schöne Grüße aus Zürich",
];

const telemetry = s.struct({ id: s.u32, at: s.timestamp, name: s.string, value: s.f64, ok: s.bool });
const chat = s.struct({
  id: s.uint,
  room: s.string,
  from: s.string,
  text: s.string,
  at: s.timestamp,
  edited: s.bool,
});
// Prices and sizes have two digits behind the point.
const money = s.decimal(2);
const book = s.struct({
  symbol: s.string,
  sequence: s.uint,
  at: s.timestamp,
  bids: s.array(s.tuple(money, money)),
  asks: s.array(s.tuple(money, money)),
});
const person = s.struct({ name: s.string, email: s.string, roles: s.array(s.string) });
const section = s.struct({ title: s.string, body: s.string, tags: s.array(s.string), words: s.uint });
const document = s.struct({
  id: s.string,
  version: s.uint,
  author: person,
  reviewers: s.array(person),
  sections: s.array(section),
  published: s.bool,
});

const level = (base: number, step: number, index: number): [number, number] => [
  base + step * index,
  Math.round(1e4 / (index + 1)) / 100,
];
const toPerson = (index: number): TypeOf<typeof person> => {
  const name = PEOPLE[index % PEOPLE.length]!;
  return { name, email: `${name}@example.org`, roles: index % 2 === 0 ? ["author", "editor"] : ["reader"] };
};

/** Four messages of real programs. The first is that of target P13: five fields. */
export const SHAPES: readonly MessageShape[] = [
  shape(
    "telemetry sample",
    telemetry,
    { id: "uint32", at: "uint64", name: "string", value: "double", ok: "bool" },
    (i) => ({
      id: 1_000 + i,
      at: START_MS + i * 250,
      name: NAMES[i % 4]!,
      value: 20 + i / 7,
      ok: i % 9 !== 0,
    }),
  ),
  shape(
    "chat message",
    chat,
    { id: "uint64", room: "string", from: "string", text: "string", at: "uint64", edited: "bool" },
    (i) => ({
      id: 70_000 + i,
      room: "general",
      from: PEOPLE[i % PEOPLE.length]!,
      text: `${TEXTS[i % 4]} ${i}`,
      at: START_MS + i * 9_000,
      edited: i % 5 === 0,
    }),
  ),
  shape(
    "order book update",
    book,
    // protobuf has no pairs: prices and sizes in turn.
    { symbol: "string", sequence: "uint64", at: "uint64", bids: "double[]", asks: "double[]" },
    (i) => ({
      symbol: i % 2 === 0 ? "BTC-USD" : "ETH-USD",
      sequence: 9_000_000 + i,
      at: START_MS + i,
      bids: Array.from({ length: 5 }, (_, at) => level(64_000.5 + i, -0.25, at)),
      asks: Array.from({ length: 5 }, (_, at) => level(64_001 + i, 0.25, at)),
    }),
  ),
  shape(
    "nested document",
    document,
    {
      id: "string",
      version: "uint64",
      author: { one: { name: "string", email: "string", roles: "string[]" } },
      reviewers: { many: { name: "string", email: "string", roles: "string[]" } },
      sections: { many: { title: "string", body: "string", tags: "string[]", words: "uint64" } },
      published: "bool",
    },
    (i) => ({
      id: `doc-${i}`,
      version: i,
      author: toPerson(i),
      reviewers: [toPerson(i + 1), toPerson(i + 2)],
      sections: Array.from({ length: 4 }, (_, at) => ({
        title: `Section ${at + 1}`,
        body: `${TEXTS[(i + at) % 4]} `.repeat(3),
        tags: ["draft", NAMES[at]!],
        words: 30 + at,
      })),
      published: i % 2 === 0,
    }),
  ),
];
