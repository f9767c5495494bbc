import { connect, serve } from "tideway/bun";
import { runNativePeer } from "./native-peer.ts";

await runNativePeer({ connect, serve });
