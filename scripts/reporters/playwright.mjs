import { writeCounts } from "./counts.mjs";

/** @typedef {import("@playwright/test/reporter").Reporter} Reporter */
/** @typedef {import("@playwright/test/reporter").FullConfig} FullConfig */
/** @typedef {import("@playwright/test/reporter").Suite} Suite */

/**
 * Counts tests. An error outside every test counts as a failed test.
 * @implements {Reporter}
 */
export default class PlaywrightCounts {
  /** @type {Suite | undefined} */
  #root;
  #errors = 0;

  /** @param {FullConfig} _config @param {Suite} root */
  onBegin(_config, root) {
    this.#root = root;
  }

  onError() {
    this.#errors++;
  }

  onEnd() {
    const counts = { passed: 0, failed: this.#errors, skipped: 0 };
    for (const test of this.#root?.allTests() ?? []) {
      const outcome = test.outcome();
      if (outcome === "expected") counts.passed++;
      else if (outcome === "skipped") counts.skipped++;
      else counts.failed++;
    }
    writeCounts(counts);
  }

  /** Leaves the terminal to the list reporter. */
  printsToStdio() {
    return false;
  }
}
