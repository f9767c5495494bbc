/** What the programs use of the globals of Deno and Bun. */
export interface RuntimeGlobals {
  readonly Deno: {
    readonly args: readonly string[];
    readonly stdin: { readonly readable: AsyncIterable<Uint8Array> };
    exit(): never;
  };
  readonly Bun: {
    readonly argv: readonly string[];
    readonly stdin: { stream(): AsyncIterable<Uint8Array> };
  };
}

/** The globals; only those of the runtime that runs are there. */
export function runtimeGlobals(): RuntimeGlobals {
  return globalThis as unknown as RuntimeGlobals;
}
