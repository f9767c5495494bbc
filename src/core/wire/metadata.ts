import { type Bytes, decodeText, encodeText } from "../bytes.ts";
import { ErrorCode, type ErrorName, errorName, ProtocolError } from "../errors.ts";
import type { Limits } from "../limits.ts";
import { FieldReader, FieldWriter } from "./fields.ts";
import { type Cursor, varintBytes, writeVarint } from "./varint.ts";

/** How a half of a stream failed: what stands in the metadata of its last frame. */
export interface Failure {
  /** Stable code. */
  readonly code: ErrorName;
  /** Name that the application gave the error, with `ERR_APPLICATION`. */
  readonly name?: string;
  /** Text for a person. */
  readonly message?: string;
  /** Details in the stream's codec. */
  readonly details?: Bytes;
}

/** What may travel with the first frame of a stream, and with its last. */
export interface Metadata {
  /** Time that is left until the answer is of no use, ms. */
  readonly deadlineMs?: number | undefined;
  /** W3C `traceparent` of the caller. */
  readonly trace?: string | undefined;
  /** Position of the stream's codec in the opener's list of HELLO; 0 when absent. */
  readonly codec?: number | undefined;
  /** Priority class that the opener asks of the other side, 0 (first) to 7. */
  readonly priority?: number | undefined;
  /** The opener asks the other side to send on a lane of its own. */
  readonly ownLane?: boolean | undefined;
  /** Names one piece of work among those of its caller, 1 to 128 bytes of UTF-8: it is done once, however often asked. */
  readonly idempotencyKey?: string | undefined;
  /** False: records with frames of this stream are not compressed, by either side. */
  readonly compress?: boolean | undefined;
  /** Descriptors of the schemas of input and output, a line feed between them. */
  readonly schema?: string | undefined;
  /** The half ends because it failed. */
  readonly failure?: Failure | undefined;
  /** The application's own entries. */
  readonly headers?: ReadonlyMap<string, string> | undefined;
}

/** Longest idempotency key, bytes of UTF-8. */
export const MAX_IDEMPOTENCY_KEY_BYTES = 128;

/** Keys of metadata fields. Source: docs/protocol.md, section 5. */
const KEY_DEADLINE = 1;
const KEY_TRACE = 2;
const KEY_HEADER = 3;
const KEY_CODEC = 4;
const KEY_PRIORITY = 5;
const KEY_ERROR_CODE = 6;
const KEY_ERROR_NAME = 7;
const KEY_ERROR_MESSAGE = 8;
const KEY_ERROR_DETAILS = 9;
const KEY_IDEMPOTENCY_KEY = 10;
const KEY_COMPRESS = 11;
const KEY_SCHEMA = 12;
const KEY_LANE = 13;

/** Whether it says nothing: then no block is needed. */
export function isEmptyMetadata(metadata: Metadata): boolean {
  for (const key in metadata) if (metadata[key as keyof Metadata] !== undefined) return false;
  return true;
}

/**
 * Bytes of a metadata block, its length in front.
 * @throws {RangeError} when it passes `maxMetadataBytes` or `maxMetadataFields`, or the idempotency key its bounds.
 */
export function encodeMetadata(
  metadata: Metadata,
  limits: Pick<Limits, "maxMetadataBytes" | "maxMetadataFields">,
): Bytes {
  const fields = new FieldWriter();
  const { deadlineMs, trace, codec, priority, ownLane, idempotencyKey, compress, failure } = metadata;
  if (deadlineMs !== undefined) fields.number(KEY_DEADLINE, Math.max(0, Math.ceil(deadlineMs)));
  if (trace !== undefined) fields.text(KEY_TRACE, trace);
  if (codec !== undefined) fields.number(KEY_CODEC, codec);
  if (priority !== undefined) fields.number(KEY_PRIORITY, priority);
  if (ownLane !== undefined) fields.flag(KEY_LANE, ownLane);
  if (idempotencyKey !== undefined) fields.bytes(KEY_IDEMPOTENCY_KEY, encodeIdempotencyKey(idempotencyKey));
  if (compress === false) fields.number(KEY_COMPRESS, 0);
  if (metadata.schema !== undefined) fields.text(KEY_SCHEMA, metadata.schema);
  if (failure !== undefined) {
    fields.number(KEY_ERROR_CODE, ErrorCode[failure.code]);
    if (failure.name !== undefined) fields.text(KEY_ERROR_NAME, failure.name);
    if (failure.message !== undefined) fields.text(KEY_ERROR_MESSAGE, failure.message);
    if (failure.details !== undefined) fields.bytes(KEY_ERROR_DETAILS, failure.details);
  }
  for (const [name, value] of metadata.headers ?? []) {
    fields.bytes(KEY_HEADER, new FieldWriter().text(0, name).text(1, value).finish());
  }
  const body = fields.finish();
  if (body.length > limits.maxMetadataBytes || fields.count > limits.maxMetadataFields) {
    throw new RangeError(
      `Cannot send metadata of ${body.length} bytes in ${fields.count} fields: over the limit`,
    );
  }
  const block: Bytes = new Uint8Array(varintBytes(body.length) + body.length);
  block.set(body, writeVarint(block, 0, body.length));
  return block;
}

/** Two keys with lone surrogates would be the same bytes, and so one key. */
function encodeIdempotencyKey(key: string): Bytes {
  const bytes = encodeText(key);
  const fits = bytes.length > 0 && bytes.length <= MAX_IDEMPOTENCY_KEY_BYTES;
  if (fits && decodeText(bytes) === key) return bytes;
  throw new RangeError(
    `Cannot use idempotency key: expected 1 to ${MAX_IDEMPOTENCY_KEY_BYTES} bytes of UTF-8, got ${bytes.length}`,
  );
}

/**
 * Read the metadata block that begins at the cursor and move behind it. Unknown keys are skipped.
 * @throws {ProtocolError} when it is malformed or passes a limit.
 */
export function decodeMetadata(
  cursor: Cursor,
  limits: Pick<Limits, "maxMetadataBytes" | "maxMetadataFields">,
): Metadata {
  const length = cursor.varint();
  if (length > limits.maxMetadataBytes) {
    throw new ProtocolError(
      "ERR_LIMIT",
      `Cannot accept ${length} bytes of metadata: limit is ${limits.maxMetadataBytes}`,
    );
  }
  if (length > cursor.end - cursor.at)
    throw new ProtocolError("ERR_PROTOCOL", "Cannot read metadata: longer than its frame");
  const fields = new FieldReader(cursor.bytes.subarray(cursor.at, cursor.at + length));
  cursor.at += length;
  return readMetadata(fields, limits.maxMetadataFields);
}

function readMetadata(fields: FieldReader, maxFields: number): Metadata {
  const metadata: { -readonly [K in keyof Metadata]: Metadata[K] } = {};
  const failure: { -readonly [K in keyof Failure]?: Failure[K] } = {};
  const headers = new Map<string, string>();
  while (fields.next()) {
    if (fields.count > maxFields)
      throw new ProtocolError("ERR_LIMIT", `Cannot accept metadata: over ${maxFields} fields`);
    if (fields.key === KEY_DEADLINE) metadata.deadlineMs = fields.number();
    else if (fields.key === KEY_TRACE) metadata.trace = fields.text();
    else if (fields.key === KEY_CODEC) metadata.codec = fields.number();
    else if (fields.key === KEY_PRIORITY) metadata.priority = Math.min(7, fields.number());
    else if (fields.key === KEY_ERROR_CODE) failure.code = errorName(fields.number());
    else if (fields.key === KEY_ERROR_NAME) failure.name = fields.text();
    else if (fields.key === KEY_ERROR_MESSAGE) failure.message = fields.text();
    else if (fields.key === KEY_ERROR_DETAILS) failure.details = fields.bytes();
    else if (fields.key === KEY_LANE) metadata.ownLane = fields.flag();
    else if (fields.key === KEY_IDEMPOTENCY_KEY) metadata.idempotencyKey = readIdempotencyKey(fields);
    else if (fields.key === KEY_COMPRESS) metadata.compress = fields.number() !== 0;
    else if (fields.key === KEY_SCHEMA) metadata.schema = fields.text();
    else if (fields.key === KEY_HEADER) readHeader(fields.bytes(), headers);
  }
  if (failure.code !== undefined) metadata.failure = failure as Failure;
  if (headers.size > 0) metadata.headers = headers;
  return metadata;
}

function readIdempotencyKey(fields: FieldReader): string {
  const key = fields.text();
  if (key === "") throw new ProtocolError("ERR_PROTOCOL", "Cannot read idempotency key: it is empty");
  const { length } = encodeText(key);
  if (length <= MAX_IDEMPOTENCY_KEY_BYTES) return key;
  throw new ProtocolError(
    "ERR_LIMIT",
    `Cannot accept idempotency key of ${length} bytes: limit is ${MAX_IDEMPOTENCY_KEY_BYTES}`,
  );
}

function readHeader(bytes: Bytes, headers: Map<string, string>): void {
  const fields = new FieldReader(bytes);
  if (!fields.next()) throw new ProtocolError("ERR_PROTOCOL", "Cannot read header: no name");
  const name = fields.text();
  if (!fields.next()) throw new ProtocolError("ERR_PROTOCOL", "Cannot read header: no value");
  headers.set(name, fields.text());
}
