import { create, type Message, toBinary } from "@bufbuild/protobuf";
import { fileDesc, type GenMessage, type GenService, serviceDesc } from "@bufbuild/protobuf/codegenv2";
import {
  FileDescriptorProtoSchema,
  FieldDescriptorProto_Label as Label,
  FieldDescriptorProto_Type as Type,
} from "@bufbuild/protobuf/wkt";

// The schema that a generator would make of this file, put together here so that no generator is needed:
//
//     syntax = "proto3"; package bench;
//     message Bytes { bytes data = 1; }
//     message Record { int32 id = 1; string name = 2; bool active = 3; double score = 4; repeated string tags = 5; }
//     message Tally { int32 count = 1; int32 hash = 2; }
//     service Echo {
//       rpc Echo(Bytes) returns (Bytes);
//       rpc EchoRecord(Record) returns (Record);
//       rpc Sink(stream Bytes) returns (Tally);
//     }

type Bytes = Message<"bench.Bytes"> & { data: Uint8Array };
type SampleRecord = Message<"bench.Record"> & {
  id: number;
  name: string;
  active: boolean;
  score: number;
  tags: string[];
};
type Tally = Message<"bench.Tally"> & { count: number; hash: number };

function message(name: string, fields: readonly (readonly [string, Type, Label?])[]) {
  return {
    name,
    field: fields.map(([name, type, label = Label.OPTIONAL], index) => ({
      name,
      jsonName: name,
      number: index + 1,
      type,
      label,
    })),
  };
}

const FILE = create(FileDescriptorProtoSchema, {
  name: "bench.proto",
  package: "bench",
  syntax: "proto3",
  messageType: [
    message("Bytes", [["data", Type.BYTES]]),
    message("Record", [
      ["id", Type.INT32],
      ["name", Type.STRING],
      ["active", Type.BOOL],
      ["score", Type.DOUBLE],
      ["tags", Type.STRING, Label.REPEATED],
    ]),
    message("Tally", [
      ["count", Type.INT32],
      ["hash", Type.INT32],
    ]),
  ],
  service: [
    {
      name: "Echo",
      method: [
        { name: "Echo", inputType: ".bench.Bytes", outputType: ".bench.Bytes" },
        { name: "EchoRecord", inputType: ".bench.Record", outputType: ".bench.Record" },
        { name: "Sink", inputType: ".bench.Bytes", outputType: ".bench.Tally", clientStreaming: true },
      ],
    },
  ],
});

/** The service that is called. */
export const EchoService: GenService<{
  echo: { methodKind: "unary"; input: GenMessage<Bytes>; output: GenMessage<Bytes> };
  echoRecord: { methodKind: "unary"; input: GenMessage<SampleRecord>; output: GenMessage<SampleRecord> };
  sink: { methodKind: "client_streaming"; input: GenMessage<Bytes>; output: GenMessage<Tally> };
}> = serviceDesc(fileDesc(Buffer.from(toBinary(FileDescriptorProtoSchema, FILE)).toString("base64")), 0);
