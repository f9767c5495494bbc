/** A deadline that never comes, ms. */
export const NEVER: number = Number.POSITIVE_INFINITY;
