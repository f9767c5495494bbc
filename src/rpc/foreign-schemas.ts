import { WireError } from "../core/errors.ts";
import type { Stream } from "../core/streams/stream.ts";
import type { Session } from "../session/session.ts";
import { CallError } from "./errors.ts";
import { differenceOf } from "./method-schema.ts";
import type { Implementation } from "./service.ts";

/** Names with schemas of the peer that are remembered for one session. */
const MOST_KNOWN = 256;

/** Of each session: the names that it used, and the method that each means. */
const KNOWN: WeakMap<Session, Map<string, Implementation>> = new WeakMap();

/**
 * The method that a stream calls with other schemas than those of this side.
 * @returns `undefined` when there is no such method, or it has no schemas.
 * @throws {CallError} `ERR_CODEC` when the schemas cannot read each other's messages, or are not known.
 */
export function findForeign(
  session: Session,
  stream: Stream,
  methods: ReadonlyMap<string, Implementation>,
): Implementation | undefined {
  const { name, metadata } = stream;
  const implementation = methods.get(name.slice(0, Math.max(0, name.lastIndexOf("#"))));
  const schema = implementation?.schema;
  if (implementation === undefined || schema === undefined) return undefined;
  const known = KNOWN.get(session) ?? new Map<string, Implementation>();
  if (known.get(name) === implementation) return implementation;
  const descriptor = metadata?.schema;
  if (descriptor === undefined) throw refusal("schemas are not known here");
  const difference = read(() => differenceOf(schema, descriptor));
  if (difference !== undefined) throw refusal(difference);
  if (known.size < MOST_KNOWN) known.set(name, implementation);
  KNOWN.set(session, known);
  return implementation;
}

function read<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof WireError ? refusal("schemas cannot be read") : error;
  }
}

function refusal(what: string): CallError {
  return new CallError("ERR_CODEC", "ERR_CODEC", `Cannot call: ${what}`);
}
