import { type Bench, check, type Figure, interleave, longRuns } from "../harness.ts";
import { Helper } from "../helper.ts";
import { SERVER } from "../transports/carriers/node.ts";
import type { ServerCommands } from "../transports/programs/server.ts";
import type { CrowdCommands, Kind } from "./crowd.ts";

const CROWD = "bench/websocket/crowd.ts";

/** Source addresses of each client process: 20,000 files a process and 28,000 ports an address are the limits. */
const ADDRESSES: readonly (readonly string[])[] = [
  ["127.0.0.2", "127.0.0.3"],
  ["127.0.0.4", "127.0.0.5"],
];

/** Connections that come and go before the count: what a server keeps for its first ones is not theirs. */
const FIRST_CONNECTIONS = 200;

/** Time for closed connections to be forgotten and open ones to come to rest, ms. */
const REST_MS = 200;
const PING_TIMEOUT_MS = 10_000;

/**
 * P9: what an idle connection costs a server. The connections come in steps, and none goes before the end; then
 * every one of them must answer.
 */
export const idleMemory: Bench = {
  id: "P9",
  async run(plan) {
    const crowds = ADDRESSES.map(() => new Helper<CrowdCommands>(CROWD));
    const ours = new IdleServer("tideway", crowds);
    const bare = new IdleServer("ws", crowds);
    try {
      const runs = longRuns(plan);
      const total = plan.quick ? 600 : 10_000;
      const step = total / runs;
      await ours.warmUp();
      await bare.warmUp();
      const grown = await interleave(
        runs,
        () => ours.grow(step),
        () => bare.grow(step),
      );
      await checkAlive(crowds, 2 * total);
      return toFigures(total, step, grown[0]!, grown[1]!);
    } finally {
      await Promise.all([ours, bare, ...crowds].map((helper) => helper.close()));
    }
  },
};

/** A server process whose connections are all of one kind. */
class IdleServer {
  readonly #kind: Kind;
  readonly #crowds: readonly Helper<CrowdCommands>[];
  readonly #server: Helper<ServerCommands> = new Helper(SERVER);

  constructor(kind: Kind, crowds: readonly Helper<CrowdCommands>[]) {
    this.#kind = kind;
    this.#crowds = crowds;
  }

  async warmUp(): Promise<void> {
    await this.#open(FIRST_CONNECTIONS);
    await Promise.all(this.#crowds.map((crowd) => crowd.ask("close")));
    await rest();
  }

  /** Open more connections. @returns the resident bytes that the server has grown by. */
  async grow(count: number): Promise<number> {
    const before = await this.#server.ask("residentBytes");
    await this.#open(count);
    await rest();
    return (await this.#server.ask("residentBytes")) - before;
  }

  async #open(count: number): Promise<void> {
    const { tideway, bare } = await this.#server.ask("targets");
    const url = this.#kind === "tideway" ? tideway.websocket : bare.websocket;
    const share = count / this.#crowds.length;
    await Promise.all(
      this.#crowds.map((crowd, index) =>
        crowd.ask("open", { kind: this.#kind, url, count: share, addresses: ADDRESSES[index]! }),
      ),
    );
  }

  close(): Promise<void> {
    return this.#server.close();
  }
}

/** @throws {Error} unless every connection answers a ping. */
async function checkAlive(crowds: readonly Helper<CrowdCommands>[], count: number): Promise<void> {
  const answered = await Promise.all(crowds.map((crowd) => crowd.ask("ping", PING_TIMEOUT_MS)));
  const total = answered.reduce((sum, part) => sum + part, 0);
  check(total === count, `${total} of ${count} connections answer`);
}

function toFigures(total: number, step: number, ours: readonly number[], bare: readonly number[]): Figure[] {
  const common = { id: "P9", unit: "KiB", better: "lower", target: { value: 16 } } as const;
  const each = (grown: readonly number[]) => grown.map((bytes) => bytes / step / 1_024);
  const mean = (grown: readonly number[]) => [grown.reduce((sum, bytes) => sum + bytes, 0) / total / 1_024];
  const count = (connections: number) => connections.toLocaleString("en-US");
  return [
    {
      ...common,
      name: `idle memory a connection, ${count(step)} more at a time`,
      samples: each(ours),
      peer: { name: "ws", samples: each(bare) },
    },
    {
      ...common,
      name: `idle memory a connection, all ${count(total)}`,
      samples: mean(ours),
      peer: { name: "ws", samples: mean(bare) },
    },
  ];
}

function rest(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, REST_MS));
}
