import { connect, serve } from "tideway/deno";
import { runNativePeer } from "./native-peer.ts";

await runNativePeer({ connect, serve });
