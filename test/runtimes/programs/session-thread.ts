// A worker that answers the suite: its sessions come over rings.
import { serveWorker } from "tideway";
import { SERVER_OPTIONS } from "../suite/peer.ts";

const { authenticate, compression, limits, onSession } = SERVER_OPTIONS;
serveWorker({ authenticate, compression, limits, onSession });
