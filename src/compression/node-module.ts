/** What runtimes have that offer the modules of Node. */
interface WithModules {
  readonly [name: string]: { getBuiltinModule?(name: string): unknown } | undefined;
}

/**
 * A module of Node in a runtime that is not Node. Not imported: bundlers may know no such module.
 * @returns `undefined` where there is none, as in Workers without the flag `nodejs_compat`.
 */
export function nodeModule(name: string): unknown {
  return (globalThis as unknown as WithModules)["process"]?.getBuiltinModule?.(name);
}
