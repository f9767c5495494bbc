/** The command line asks for something that cannot be done; the message says what. */
export class UsageError extends Error {}

const DURATIONS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, "": 1_000 };
const SIZES: Readonly<Record<string, number>> = {
  "": 1,
  b: 1,
  k: 1_024,
  kib: 1_024,
  m: 1 << 20,
  mib: 1 << 20,
};

/** A time in ms from `500ms`, `10s`, `2m`, `1h` or `10`, which is seconds. @throws {UsageError} */
export function parseDuration(name: string, text: string): number {
  return parseWithUnit(name, text, DURATIONS, "a time such as 500ms, 10s or 2m");
}

/** A number of bytes from `64`, `4k` or `1MiB`. @throws {UsageError} */
export function parseSize(name: string, text: string): number {
  return Math.round(parseWithUnit(name, text, SIZES, "a size such as 64, 4k or 1m"));
}

function parseWithUnit(
  name: string,
  text: string,
  units: Readonly<Record<string, number>>,
  expected: string,
): number {
  const [, digits = "", unit = ""] = /^(\d+(?:\.\d+)?)([a-z]*)$/i.exec(text) ?? [];
  const factor = Object.hasOwn(units, unit.toLowerCase()) ? units[unit.toLowerCase()] : undefined;
  const value = Number(digits) * (factor ?? Number.NaN);
  if (digits === "" || !Number.isFinite(value) || value <= 0) {
    throw new UsageError(`Cannot use --${name} ${text}: expected ${expected}`);
  }
  return value;
}

/** A whole number of at least 1 and at most `most`. @throws {UsageError} */
export function parseCount(name: string, text: string, most: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= 1 && value <= most)) {
    throw new UsageError(`Cannot use --${name} ${text}: expected a whole number from 1 to ${most}`);
  }
  return value;
}

/** What proves to a server who asks: of the option, or else of the environment, where a list of processes does not show it. */
export function tokenOf(option: string | undefined): { readonly auth?: string } {
  const auth = option ?? process.env["TIDEWAY_TOKEN"];
  return auth === undefined ? {} : { auth };
}

/** The only positional argument. @throws {UsageError} when there is none, or another one. */
export function onlyUrl(positionals: readonly string[]): string {
  const [url, extra] = positionals;
  if (url === undefined)
    throw new UsageError("Cannot start: give the URL of a server, such as ws://localhost:8080");
  if (extra !== undefined) throw new UsageError(`Cannot use argument ${extra}: one URL is expected`);
  return url;
}
