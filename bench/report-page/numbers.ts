/** A figure as people read it: three significant digits, thousands apart. */
export function readable(value: number): string {
  const digits = Math.abs(value) >= 1_000 ? { maximumFractionDigits: 0 } : { maximumSignificantDigits: 3 };
  return value.toLocaleString("en-US", digits);
}

/** A figure for the axis of a chart: 1.5K, 2M. */
export function compact(value: number): string {
  return value.toLocaleString("en-US", { notation: "compact", maximumSignificantDigits: 3 });
}

/** A share as text. */
export function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
