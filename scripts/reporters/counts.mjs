import { writeFileSync } from "node:fs";

/**
 * How a run of tests went.
 * @typedef {object} Counts
 * @property {number} passed
 * @property {number} failed
 * @property {number} skipped
 */

/**
 * Write the counts to the file that the environment variable TIDEWAY_COUNTS names; without it, do nothing.
 * @param {Counts} counts
 */
export function writeCounts(counts) {
  const path = process.env["TIDEWAY_COUNTS"];
  if (path !== undefined) writeFileSync(path, JSON.stringify(counts));
}
