import { accept, connectWith, memoryPair, raw, type Session } from "tideway";

/** Both ends of a session in this process. */
export interface MemorySessions {
  readonly client: Session;
  readonly server: Session;
}

/** Open a session over memory. Typed messages are raw bytes. */
export async function openSessions(onSession: (server: Session) => void = () => {}): Promise<MemorySessions> {
  const { a, b } = memoryPair();
  const server = accept(b, { codecs: [raw], onSession });
  const client = await connectWith(async () => a, { codecs: [raw], reconnect: false });
  return { client, server };
}
