import type { Codec } from "../core/codecs/codec.ts";
import type { StreamError } from "../core/errors.ts";
import type { Mux } from "../core/streams/mux.ts";
import type { Session } from "../session/session.ts";
import { type CallCodec, chooseCodec } from "./codecs.ts";
import type { Method } from "./contract.ts";
import { type MethodSchema, schemaOf } from "./method-schema.ts";

/** A longer descriptor is not sent: other metadata must fit beside it. The peer then needs the very same schema. */
const MAX_DESCRIPTOR_CHARS = 6_000;

/** How the messages of a call travel. */
export interface Route {
  /** Name of its stream. */
  readonly name: string;
  readonly codec: CallCodec;
  /** Position of the codec of {@link CallCodec.details}, or of the codec itself, in this side's list. */
  readonly position: number;
  /** Descriptors of the schemas, until the peer has answered a call with them. */
  readonly schema?: string | undefined;
  /** Take note of how a stream ended. @returns another way, when the peer has not begun the call for lack of this one. */
  refused?(error: StreamError): Route | undefined;
}

/** The routes of the methods that have schemas, for as long as both sides keep their streams. */
const ROUTES: WeakMap<Mux, Map<Method, SchemaRoute>> = new WeakMap();

/**
 * How to call `method` over `session`.
 * @throws {CallError} `ERR_CODEC` when the sides have no codec in common.
 */
export function routeOf(session: Session, name: string, method: Method, position: number): Route {
  const schema = schemaOf(method);
  if (schema === undefined) return plainRoute(session, name, position);
  const { mux } = session;
  let routes = ROUTES.get(mux);
  if (routes === undefined) {
    routes = new Map();
    ROUTES.set(mux, routes);
  }
  let route = routes.get(method);
  if (route === undefined) {
    route = new SchemaRoute(session, name, schema, position);
    routes.set(method, route);
  }
  return route.instead ?? route;
}

function plainRoute(session: Session, name: string, position: number): Route {
  return { name, codec: session.codecs[position] as Codec, position };
}

/** Messages in the schema codec, until the peer says that it cannot read them. */
class SchemaRoute implements Route {
  readonly name: string;
  readonly codec: CallCodec;
  readonly position: number;
  /** What is used instead since the peer has refused this. */
  instead: Route | undefined;
  readonly #session: Session;
  readonly #method: string;
  readonly #descriptor: string;
  /** The peer has answered with these schemas: it knows them. */
  #confirmed = false;

  constructor(
    session: Session,
    method: string,
    { suffix, descriptor, input, output }: MethodSchema,
    position: number,
  ) {
    this.#session = session;
    this.#method = method;
    this.#descriptor = descriptor;
    this.name = method + suffix;
    this.position = position;
    this.codec = {
      name: input.name,
      encode: (value) => input.encode(value),
      decode: (bytes) => {
        this.#confirmed = true;
        return output.decode(bytes);
      },
      details: session.codecs[this.position] as Codec,
    };
  }

  get schema(): string | undefined {
    return this.#confirmed || this.#descriptor.length > MAX_DESCRIPTOR_CHARS ? undefined : this.#descriptor;
  }

  refused(error: StreamError): Route | undefined {
    const { code } = error;
    if (code !== "ERR_CODEC" && code !== "ERR_UNKNOWN_METHOD") return undefined;
    if (this.#confirmed && code === "ERR_CODEC") {
      this.#confirmed = false; // the peer has forgotten the schemas, or is another one
      return this;
    }
    this.instead ??= this.#other(code);
    return this.instead;
  }

  /** A peer that does not know the name has no schemas for it; one that has others can do with MessagePack. */
  #other(code: string): Route | undefined {
    const session = this.#session;
    if (code === "ERR_UNKNOWN_METHOD") return plainRoute(session, this.#method, chooseCodec(session));
    const at = session.codecs.findIndex(({ name }) => name === "msgpack");
    return session.peer?.codecs.includes("msgpack") && at >= 0
      ? plainRoute(session, this.#method, at)
      : undefined;
  }
}
