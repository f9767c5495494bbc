import { connect, raw } from "tideway/node";
import { Helper } from "../../helper.ts";
import { type OpenPair, ofLink, ofSession } from "../contender.ts";
import type { Link } from "../links/link.ts";
import type { ServerCommands } from "../programs/server.ts";

/** Where the server process of these benches starts. */
export const SERVER = "bench/transports/programs/server.ts";

type Targets = Awaited<ReturnType<ServerCommands["targets"]>>;

/** Start a server process of Node, with a connection of each kind to it. */
export async function openNodePair<K extends keyof Targets["tideway"]>(
  kind: K,
  dial: (target: Targets["bare"][K]) => Promise<Link>,
): Promise<OpenPair> {
  const server = new Helper<ServerCommands>(SERVER);
  try {
    const { tideway, bare } = await server.ask("targets");
    const session = await connect(tideway[kind], { codecs: [raw], reconnect: false });
    const link = await dial(bare[kind]);
    const close = async () => {
      link.close();
      await session.close();
      await server.ask("stop");
      await server.close();
    };
    return { ours: ofSession(session), bare: ofLink(link), close };
  } catch (error) {
    await server.close();
    throw error;
  }
}
