import { connect, raw } from "tideway/node";
import { Helper } from "../../helper.ts";
import { ofLink, ofSession, type Pair } from "../contender.ts";
import type { Link } from "../links/link.ts";
import type { ServerCommands } from "../programs/server.ts";

/** Where the server process of these benches starts. */
export const SERVER = "bench/transports/programs/server.ts";

type Targets = Awaited<ReturnType<ServerCommands["targets"]>>;

/** Run `use` with a connection of each kind to a fresh server process of Node. */
export async function withNodePair<T, K extends keyof Targets["tideway"]>(
  kind: K,
  dial: (target: Targets["bare"][K]) => Promise<Link>,
  use: (pair: Pair) => Promise<T>,
): Promise<T> {
  const server = new Helper<ServerCommands>(SERVER);
  try {
    const { tideway, bare } = await server.ask("targets");
    const session = await connect(tideway[kind], { codecs: [raw], reconnect: false });
    const link = await dial(bare[kind]);
    const result = await use({ ours: ofSession(session), bare: ofLink(link) });
    link.close();
    await session.close();
    await server.ask("stop");
    return result;
  } finally {
    await server.close();
  }
}
