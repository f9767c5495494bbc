import { implement, type Service } from "tideway";
import { api } from "../contract.ts";
import { ChatRoom } from "./chat.ts";
import { FileStore } from "./file-store.ts";
import { fileHandlers, STORE_LIMITS } from "./files.ts";
import { ownerOf } from "./owner.ts";
import { readTelemetry } from "./telemetry.ts";

/** What a server of the demo must know that the runtime decides. */
export interface Surroundings {
  /** Aborted when the server stops: what runs without end then ends by itself. */
  readonly stopping: AbortSignal;
  /** Break the connections of a page. @returns how many they were */
  cut(owner: string): number;
}

/** The handlers of the demo, and the files that they store until the process ends. */
export function demoService({ stopping, cut }: Surroundings): Service {
  const store = new FileStore(STORE_LIMITS);
  const room = new ChatRoom();
  process.on("exit", () => store.close());
  return implement(
    api,
    {
      echo: (bytes) => bytes,
      cut: (_input, context) => cut(ownerOf(context)),
      telemetry: ({ everyMs }, { signal }) => readTelemetry(everyMs, AbortSignal.any([signal, stopping])),
      files: fileHandlers(store),
      chat: { join: (lines, { signal }) => room.join(lines, AbortSignal.any([signal, stopping])) },
    },
    { onError: (error, { method }) => console.error(`${method} failed:`, error) },
  );
}
