import { expect } from "vitest";
import type { ErrorName } from "../../src/core/errors.ts";
import { DEFAULT_LIMITS } from "../../src/core/limits.ts";
import { FieldReader, FieldWriter } from "../../src/core/wire/fields.ts";
import { decodeHello, encodeHello, type Hello } from "../../src/core/wire/hello.ts";
import { decodeMetadata, encodeMetadata, type Metadata } from "../../src/core/wire/metadata.ts";
import { NameReader, NameWriter } from "../../src/core/wire/names.ts";
import { Cursor, varintBytes, writeVarint } from "../../src/core/wire/varint.ts";
import { bytesOf, hexOf, suite } from "./vectors.ts";

suite<{ value: number }>(
  "varints",
  (bytes) => {
    const cursor = new Cursor(bytes);
    const value = cursor.varint();
    expect(cursor.at).toBe(bytes.length);
    return value;
  },
  ({ value }) => value,
  ({ value }) => {
    const bytes = new Uint8Array(varintBytes(value));
    expect(writeVarint(bytes, 0, value)).toBe(bytes.length);
    return bytes;
  },
);

interface Field {
  readonly key: number;
  readonly number?: number;
  readonly text?: string;
  readonly hex?: string;
}

suite<{ fields: readonly Field[] }>(
  "fields",
  (bytes, { fields }) => {
    const reader = new FieldReader(bytes);
    const found: Field[] = [];
    while (reader.next()) {
      const { number, text } = fields?.[found.length] ?? {};
      if (number !== undefined) found.push({ key: reader.key, number: reader.number() });
      else if (text !== undefined) found.push({ key: reader.key, text: reader.text() });
      else found.push({ key: reader.key, hex: hexOf(reader.bytes()) });
    }
    return found;
  },
  ({ fields }) => fields,
  ({ fields }) => {
    const writer = new FieldWriter();
    for (const { key, number, text, hex = "" } of fields) {
      if (number !== undefined) writer.number(key, number);
      else if (text !== undefined) writer.text(key, text);
      else writer.bytes(key, bytesOf(hex));
    }
    return writer.finish();
  },
);

suite<{ names: readonly string[]; maxNames?: number }>(
  "names",
  (bytes, { maxNames = 1_024 }) => {
    const reader = new NameReader(maxNames);
    const cursor = new Cursor(bytes);
    const names: string[] = [];
    while (cursor.at < cursor.end) names.push(reader.read(cursor));
    return names;
  },
  ({ names }) => names,
  ({ names, maxNames = 1_024 }) => {
    const writer = new NameWriter(maxNames);
    const labels = names.map((name) => {
      const label = writer.label(name);
      writer.commit(name);
      return label;
    });
    return Buffer.concat(labels);
  },
);

interface MetadataFields extends Omit<Metadata, "headers" | "failure"> {
  readonly headers?: readonly (readonly [string, string])[];
  readonly failure?: { readonly code: ErrorName; readonly details?: string };
}

function toMetadata({ headers, failure, ...rest }: MetadataFields): Metadata {
  const details = failure?.details === undefined ? {} : { details: bytesOf(failure.details) };
  return {
    ...rest,
    ...(headers === undefined ? {} : { headers: new Map(headers) }),
    ...(failure === undefined ? {} : { failure: { ...failure, ...details } as Metadata["failure"] & object }),
  };
}

suite<{ fields: MetadataFields }>(
  "metadata",
  (bytes) => {
    const cursor = new Cursor(bytes);
    const metadata = decodeMetadata(cursor, DEFAULT_LIMITS);
    expect(cursor.at).toBe(bytes.length);
    return metadata;
  },
  ({ fields }) => toMetadata(fields),
  ({ fields }) => encodeMetadata(toMetadata(fields), DEFAULT_LIMITS),
);

interface HelloFields extends Omit<Hello, "sessionId" | "token" | "resumeToken"> {
  readonly sessionId?: string;
  readonly token?: string;
  readonly resumeToken?: string;
}

function toHello({ sessionId, token, resumeToken, ...rest }: HelloFields): Hello {
  return {
    ...rest,
    ...(sessionId === undefined ? {} : { sessionId: bytesOf(sessionId) }),
    ...(token === undefined ? {} : { token: bytesOf(token) }),
    ...(resumeToken === undefined ? {} : { resumeToken: bytesOf(resumeToken) }),
  };
}

suite<{ fields: HelloFields }>(
  "hello",
  (bytes) => decodeHello(bytes),
  ({ fields }) => toHello(fields),
  ({ fields }) => {
    const hello = toHello(fields);
    return encodeHello(hello, hello);
  },
);
