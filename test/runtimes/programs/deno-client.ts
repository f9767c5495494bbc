import { connect } from "tideway/deno";
import { runtimeGlobals } from "../suite/globals.ts";
import { runClient } from "./client.ts";

await runClient(connect, runtimeGlobals().Deno.args);
