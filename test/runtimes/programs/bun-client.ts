import { connect } from "tideway/bun";
import { runtimeGlobals } from "../suite/globals.ts";
import { runClient } from "./client.ts";

await runClient(connect, runtimeGlobals().Bun.argv);
