import type { Codec } from "../core/codecs/codec.ts";
import type { Method, Schema } from "./contract.ts";

/** What calls use of a compiled schema: `tideway/schema` makes them, and a page without one does not load it. */
interface Compiled extends Codec {
  readonly digest: string;
  readonly descriptor: string;
  difference(descriptor: string): string | undefined;
}

/** The schemas of a method whose messages travel in the schema codec. Source: docs/protocol.md, section 11.1. */
export interface MethodSchema {
  /** What is appended to the method's name: `#`, the digest of the input, that of the output. */
  readonly suffix: string;
  /** Descriptors of both, a line feed between them. */
  readonly descriptor: string;
  readonly input: Compiled;
  readonly output: Compiled;
}

const SCHEMAS: WeakMap<Method, MethodSchema> = new WeakMap();

/** The schemas of a method; `undefined` when its input or its output is not compiled. */
export function schemaOf(method: Method): MethodSchema | undefined {
  const known = SCHEMAS.get(method);
  const { input, output } = method;
  if (known !== undefined || !isCompiled(input) || !isCompiled(output)) return known;
  const schema = {
    suffix: `#${input.digest}${output.digest}`,
    descriptor: `${input.descriptor}\n${output.descriptor}`,
    input,
    output,
  };
  SCHEMAS.set(method, schema);
  return schema;
}

function isCompiled(schema: Schema): schema is Schema & Compiled {
  return "descriptor" in schema && "digest" in schema;
}

/** Why messages of these schemas cannot be read with those that a peer describes; `undefined` when they can. */
export function differenceOf({ input, output }: MethodSchema, descriptor: string): string | undefined {
  const [theirInput = "", theirOutput = ""] = descriptor.split("\n");
  const name = (part: string, found: string | undefined) =>
    found === undefined ? found : `${part} ${found}`;
  return name("input", input.difference(theirInput)) ?? name("output", output.difference(theirOutput));
}
