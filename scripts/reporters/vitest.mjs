import { writeCounts } from "./counts.mjs";

/** @typedef {import("vitest/reporters").Reporter} Reporter */

/**
 * Counts tests. A file that cannot be loaded and an error outside every test each count as a failed test.
 * @implements {Reporter}
 */
export default class VitestCounts {
  /**
   * @param {ReadonlyArray<import("vitest/node").TestModule>} modules
   * @param {ReadonlyArray<unknown>} errors
   */
  onTestRunEnd(modules, errors) {
    const counts = { passed: 0, failed: errors.length, skipped: 0 };
    for (const module of modules) {
      counts.failed += module.errors().length;
      for (const suite of module.children.allSuites()) counts.failed += suite.errors().length;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === "passed") counts.passed++;
        else if (state === "skipped") counts.skipped++;
        else counts.failed++;
      }
    }
    writeCounts(counts);
  }
}
