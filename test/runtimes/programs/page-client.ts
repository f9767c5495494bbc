import { connect } from "tideway";
import type { SuiteTarget } from "../suite/case.ts";
import { runSuite } from "../suite/run.ts";

Object.assign(globalThis, { runSuite: (target: SuiteTarget) => runSuite(connect, target) });
