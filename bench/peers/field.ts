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
 * Run `use` with Tideway, which comes first, and its peers. Those that cannot start are named on standard error and
 * left out.
 */
export async function withField<T>(
  use: (field: readonly Runner[]) => Promise<T>,
  peers: readonly ContenderProgram[] = PEER_PROGRAMS,
): Promise<T> {
  installPeers();
  fetchNatsServer();
  const field: Runner[] = [];
  try {
    field.push(await start(TIDEWAY));
    for (const program of peers) {
      try {
        field.push(await start(program));
      } catch (error) {
        console.error(`${program.name} is left out: ${(error as Error).message.split("\n")[0]}`);
      }
    }
    return await use(field);
  } finally {
    await Promise.all(field.map((runner) => runner.close()));
  }
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
