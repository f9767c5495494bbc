import { Helper } from "../helper.ts";
import type { Load, LoadCommands, LoadReport } from "./load.ts";
import type { Kind, ServerCommands } from "./server.ts";

/** What a load has cost its server. */
export interface Measured extends LoadReport {
  /** CPU time of the server a round trip, us. */
  readonly cpuUs: number;
  /** Processors that the server was busy with, on average. */
  readonly cores: number;
}

/** A server process of its own and a client process with connections to it, all of one kind. */
export class Stage {
  readonly #server: Helper<ServerCommands> = new Helper("bench/scenarios/server.ts");
  readonly #client: Helper<LoadCommands> = new Helper("bench/scenarios/load.ts");

  /** Open the connections of a stage. */
  async open(kind: Kind, count: number): Promise<void> {
    const { [kind]: url } = await this.#server.ask("urls");
    await this.#client.ask("open", { kind, url, count });
  }

  /** Send messages and wait for all echoes. Throws when one is missing. */
  async load(load: Load): Promise<Measured> {
    const before = await this.#server.ask("cpuMs");
    const start = performance.now();
    const report = await this.#client.ask("load", load);
    const elapsed = performance.now() - start;
    const cpuMs = (await this.#server.ask("cpuMs")) - before;
    return { ...report, cpuUs: (cpuMs * 1_000) / report.count, cores: cpuMs / elapsed };
  }

  async close(): Promise<void> {
    await this.#client.close();
    await this.#server.close();
  }
}

/** Run `use` with so many stages, which end with it. */
export async function withStages<T>(
  count: number,
  use: (stages: readonly Stage[]) => Promise<T>,
): Promise<T> {
  const stages = Array.from({ length: count }, () => new Stage());
  try {
    return await use(stages);
  } finally {
    await Promise.all(stages.map((stage) => stage.close()));
  }
}
