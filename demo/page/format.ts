const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"] as const;

/** `1_536` as `1.5 KiB`. */
export function formatBytes(bytes: number): string {
  let unit = 0;
  let value = bytes;
  for (; value >= 1_000 && unit < UNITS.length - 1; unit++) value /= 1_024;
  return `${value.toFixed(unit === 0 || value >= 100 ? 0 : 1)} ${UNITS[unit]}`;
}

/** Milliseconds with about three digits, without the unit. */
export function formatMs(ms: number): string {
  return ms.toFixed(ms < 10 ? 2 : ms < 100 ? 1 : 0);
}

/** `84.6` as `85 ms`, `1_234` as `1.2 s`. */
export function formatDuration(ms: number): string {
  return ms < 999.5 ? `${ms.toFixed(0)} ms` : `${(ms / 1_000).toFixed(1)} s`;
}

/** `61_234` as `1:01.2`. */
export function formatTime(ms: number): string {
  const tenths = Math.floor(ms / 100);
  const seconds = ((tenths / 10) % 60).toFixed(1).padStart(4, "0");
  return `${Math.floor(tenths / 600)}:${seconds}`;
}

/** A part of 1 as a percentage, without the sign. */
export function formatPercent(part: number): string {
  return (part * 100).toFixed(part < 0.0995 ? 1 : 0);
}

const COUNT = new Intl.NumberFormat("en");

/** `12345` as `12,345`. */
export function formatCount(count: number): string {
  return COUNT.format(count);
}
