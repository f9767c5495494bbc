/**
 * Text that tells principals apart: type and value of a primitive, the JSON of an object. So two objects with the same
 * JSON are one, and one whose JSON changes from session to session (a token's time of issue) is another one each time:
 * where that is so, give `identify` in the options.
 * @returns `""` for `undefined`; `undefined` for what has no text of its own: symbols, functions, objects without JSON
 *   or with an empty one.
 */
export function identityOf(principal: unknown): string | undefined {
  if (principal === undefined) return "";
  if (typeof principal === "symbol" || typeof principal === "function") return undefined;
  if (typeof principal !== "object" || principal === null) return `${typeof principal}:${principal}`;
  try {
    const text = JSON.stringify(principal);
    return text === undefined || text === "{}" ? undefined : `object:${text}`;
  } catch {
    return undefined;
  }
}
