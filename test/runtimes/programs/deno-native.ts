import { connect, serve } from "tideway/deno";
import { nativeSha256 } from "../../../src/edge/native.ts";
import { runNativePeer } from "./native-peer.ts";

await runNativePeer({ connect, nativeSha256, serve });
