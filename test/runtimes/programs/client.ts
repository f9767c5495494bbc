import type { Connect, SuiteTarget } from "../suite/case.ts";
import { runSuite } from "../suite/run.ts";
import { trustingTls } from "../suite/tls.ts";

/** Run the suite against the target that the last argument names, and print the results. */
export async function runClient(connect: Connect, args: readonly string[]): Promise<void> {
  const target = JSON.parse(args.at(-1) ?? "{}") as SuiteTarget;
  const trusting: Connect = (url, options) => connect(url, { ...options, ...trustingTls() });
  console.log(`RESULTS ${JSON.stringify(await runSuite(trusting, target))}`);
}
