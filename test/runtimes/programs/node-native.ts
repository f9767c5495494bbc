import { connect, serve } from "tideway/node";
import { runNativePeer } from "./native-peer.ts";

await runNativePeer({ connect, serve });
