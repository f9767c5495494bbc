// What `vitest` is in a page: its own runner and its own assertions, without the process around them.
import { chai, JestAsymmetricMatchers, JestChaiExpect, JestExtend } from "@vitest/expect";

export { afterAll, afterEach, beforeAll, beforeEach, describe, test } from "@vitest/runner";

for (const plugin of [JestExtend, JestChaiExpect, JestAsymmetricMatchers]) chai.use(plugin);

/** Assertions, with their matchers. */
export const expect: Chai.ExpectStatic = chai.expect;
