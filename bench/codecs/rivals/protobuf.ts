import { create, type DescMessage, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { fileDesc, messageDesc } from "@bufbuild/protobuf/codegenv2";
import {
  FileDescriptorProtoSchema,
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
} from "@bufbuild/protobuf/wkt";
import type { CodecContender } from "../measure.ts";
import type { MessageShape, ProtoFields, ProtoType } from "../shapes.ts";

const SCALARS: Readonly<Record<string, Type>> = {
  uint32: Type.UINT32,
  uint64: Type.UINT64,
  double: Type.DOUBLE,
  bool: Type.BOOL,
  string: Type.STRING,
};

/**
 * Protobuf, by the descriptor that a generator would make. What is encoded was made with `create` before, what is
 * decoded is a message of the library.
 */
export const protobuf: CodecContender = {
  name: "@bufbuild/protobuf",
  prepare(shape) {
    const schema = toSchema(shape);
    const made = new Map(
      shape.messages.map((message) => [message, create(schema, toInit(message, shape.proto))] as const),
    );
    return {
      encode: (message) => toBinary(schema, made.get(message)!),
      decode: (bytes) => fromBinary(schema, bytes),
    };
  },
};

function toSchema({ proto }: MessageShape): DescMessage {
  const messageType = toMessages("Root", proto);
  const file = create(FileDescriptorProtoSchema, {
    name: "bench.proto",
    package: "bench",
    syntax: "proto3",
    messageType,
  });
  const bytes = toBinary(FileDescriptorProtoSchema, file);
  return messageDesc(fileDesc(btoa(String.fromCharCode(...bytes))), 0);
}

/** The message of `fields` and those inside it. */
function toMessages(name: string, fields: ProtoFields) {
  const inside: ReturnType<typeof toMessage>[] = [];
  const message = toMessage(name, fields, (child, of) => {
    inside.push(...toMessages(child, of));
  });
  return [message, ...inside];
}

function toMessage(name: string, fields: ProtoFields, onChild: (name: string, of: ProtoFields) => void) {
  return {
    name,
    field: Object.entries(fields).map(([fieldName, type], index) => {
      const child = `${name}_${fieldName}`;
      if (typeof type === "object") onChild(child, fieldsOf(type));
      return {
        name: fieldName,
        jsonName: fieldName,
        number: index + 1,
        label: isMany(type) ? Label.REPEATED : Label.OPTIONAL,
        type: typeof type === "object" ? Type.MESSAGE : SCALARS[type.replace("[]", "")]!,
        ...(typeof type === "object" ? { typeName: `.bench.${child}` } : {}),
      };
    }),
  };
}

function fieldsOf(type: Extract<ProtoType, object>): ProtoFields {
  return "one" in type ? type.one : type.many;
}

function isMany(type: ProtoType): boolean {
  return typeof type === "object" ? "many" in type : type.endsWith("[]");
}

/** The message as protobuf has it: 64-bit integers are bigints, pairs stand in turn. */
function toInit(message: object, fields: ProtoFields): MessageInitShape<DescMessage> {
  const entries = Object.entries(fields).map(([name, type]) => {
    const value = (message as Record<string, unknown>)[name];
    if (type === "uint64") return [name, BigInt(value as number)];
    if (typeof type === "string") return [name, Array.isArray(value) ? value.flat() : value];
    const of = fieldsOf(type);
    return [
      name,
      isMany(type) ? (value as object[]).map((one) => toInit(one, of)) : toInit(value as object, of),
    ];
  });
  return Object.fromEntries(entries) as MessageInitShape<DescMessage>;
}
