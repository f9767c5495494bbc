import type { Plan } from "../harness.ts";
import { Helper, nodeCommand } from "../process.ts";
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
  const field: Runner[] = [await start(TIDEWAY)];
  for (const program of PEER_PROGRAMS) {
    try {
      field.push(await start(program));
    } catch (error) {
      console.error(`${program.name} is left out: ${(error as Error).message.split("\n")[0]}`);
    }
  }
  return field;
}

/** Start both processes of a contender and connect them. */
export async function start({ name, entry, packages }: ContenderProgram): Promise<Runner> {
  const command = nodeCommand(packages === "bench" ? "bench" : undefined);
  const server = new Helper<ContenderCommands>(entry, command);
  const client = new Helper<ContenderCommands>(entry, command);
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
