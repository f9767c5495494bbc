import { connect } from "tideway/node";
import { runClient } from "./client.ts";

await runClient(connect, process.argv);
