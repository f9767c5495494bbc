import type { Plan } from "../harness.ts";
import { Helper } from "../helper.ts";
import type { ContenderCommands } from "./contender.ts";
import { type ContenderProgram, PEER_PROGRAMS, TIDEWAY } from "./contenders.ts";
import { fetchNatsServer } from "./nats-server.ts";
import { installPeers } from "./packages.ts";

/** One contender that runs: a server process and a client process that is connected to it. */
export interface Runner {
  readonly name: string;
  readonly client: Helper<ContenderCommands>;
  readonly configuration: string;
  readonly sendsOneWay: boolean;
  close(): Promise<void>;
}

/**
 * Run `use` with Tideway, which comes first, and its peers, in processes of its own; quick benches share theirs, because
 * starting takes longer than a quick run. Those that cannot start are named on standard error and left out.
 */
export async function withField<T>(
  { quick }: Plan,
  use: (field: readonly Runner[]) => Promise<T>,
): Promise<T> {
  if (quick) {
    kept ??= startAll();
    return use(await kept);
  }
  const field = await startAll();
  try {
    return await use(field);
  } finally {
    await Promise.all(field.map((runner) => runner.close()));
  }
}

/** What quick benches share; it ends with this process. */
let kept: Promise<readonly Runner[]> | undefined;

async function startAll(): Promise<readonly Runner[]> {
  installPeers();
  fetchNatsServer();
  const peers = await Promise.all(
    PEER_PROGRAMS.map((program) =>
      start(program).catch((error: Error) => {
        console.error(`${program.name} is left out: ${error.message.split("\n")[0]}`);
      }),
    ),
  );
  return [await start(TIDEWAY), ...peers.filter((peer) => peer !== undefined)];
}

/** Start both processes of a contender and connect them. */
export async function start({ name, entry, packages }: ContenderProgram): Promise<Runner> {
  const runner = packages === "bench" ? { packages } : {};
  const server = new Helper<ContenderCommands>(entry, runner);
  const client = new Helper<ContenderCommands>(entry, runner);
  const close = async () => {
    await client.close();
    await server.close();
  };
  try {
    const sendsOneWay = await client.ask("dial", await server.ask("listen"));
    const configuration = await client.ask("configuration");
    return { name, configuration, client, sendsOneWay, close };
  } catch (error) {
    await close();
    throw error;
  }
}
