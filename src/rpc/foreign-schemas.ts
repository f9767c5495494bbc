import { WireError } from "../core/errors.ts";
import type { Stream } from "../core/streams/stream.ts";
import { CallError } from "./errors.ts";
import { differenceOf } from "./method-schema.ts";
import type { Implementation, ServiceState } from "./service.ts";

/** Names with schemas of the peer that a service remembers of one session. */
const MOST_KNOWN = 256;

/**
 * The method that a stream calls with other schemas than those of this side.
 * @returns `undefined` when there is no such method, or it has no schemas.
 * @throws {CallError} `ERR_CODEC` when the schemas cannot read each other's messages, or are not known.
 */
export function findForeign(
  state: ServiceState,
  { name, metadata }: Stream,
  methods: ReadonlyMap<string, Implementation>,
): Implementation | undefined {
  if (name === state.missing) return undefined;
  const known = state.names?.get(name);
  if (known !== undefined) return known;
  const implementation = methods.get(name.slice(0, Math.max(0, name.lastIndexOf("#"))));
  const schema = implementation?.schema;
  if (implementation === undefined || schema === undefined) {
    state.missing = name;
    return undefined;
  }
  const descriptor = metadata?.schema;
  if (descriptor === undefined) throw refusal("schemas are not known here");
  const difference = read(() => differenceOf(schema, descriptor));
  if (difference !== undefined) throw refusal(difference);
  state.names ??= new Map();
  if (state.names.size < MOST_KNOWN) state.names.set(name, implementation);
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
