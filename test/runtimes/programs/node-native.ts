import { connect, serve } from "tideway/node";
import { nativeSha256 } from "../../../src/node/native.ts";
import { runNativePeer } from "./native-peer.ts";

await runNativePeer({ connect, nativeSha256, serve });
