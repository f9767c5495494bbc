import { connect, serve } from "tideway/bun";
import { nativeSha256 } from "../../../src/bun/native.ts";
import { runNativePeer } from "./native-peer.ts";

await runNativePeer({ connect, nativeSha256, serve });
