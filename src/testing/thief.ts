import { Connection } from "../core/connection/connection.ts";
import { MAIN_LANE } from "../core/lanes/lane.ts";
import { Mux } from "../core/streams/mux.ts";
import type { Application } from "./application.ts";
import type { Caller } from "./caller.ts";
import type { Network } from "./network.ts";
import type { ServerSide } from "./server-side.ts";
import type { World } from "./world.ts";

/** Records are asked for up to this length. */
const RECORD_BYTES = 66_560;

/**
 * Somebody who shows a token of a session that is not theirs: one of those that were ever given out, or none of them.
 * It says HELLO and nothing more, and goes away after a while.
 */
export function steal(world: World, network: Network, server: ServerSide): void {
  const { clock, configuration, random } = world;
  const { resume } = configuration;
  const { all } = server.sessions;
  const kept = all.length === 0 ? undefined : random.pick(all);
  const roll = random.float();
  const stranger = random.chance(0.3);
  const stayMs = random.pick([0, 300, 4_000]);
  const made = random.bytes(32);
  const attempt = random.pick([1, 1_000]);
  if (kept === undefined || resume === undefined) return;
  world.fault("thief");
  const newest = kept.tokens.length - 1;
  const place = roll < 0.3 ? newest : random.int(0, newest);
  const resumeToken = roll < 0.85 ? (kept.tokens[place]?.token ?? made) : made;
  const limits = configuration.limits.client;
  const connection = new Connection({
    role: "client",
    limits,
    messageBoundaries: configuration.link.messageBoundaries,
    codecs: ["raw"],
    now: clock.now(),
    resumeMs: resume.resumeMs,
    resume: {
      sessionId: kept.sessionId,
      resumeToken,
      attempt,
      mux: new Mux("client", limits),
      claim: () => {},
    },
  });
  const lane = network.dial();
  const caller = new Thief(stranger ? "nobody" : kept.principal, kept.app);
  server.serve(lane, caller);
  lane.link.a.start({
    data: () => {},
    drain: () => {},
    lane: () => {},
    datagram: () => {},
    closed: () => {},
  });
  for (;;) {
    const record = connection.takeOutput(MAIN_LANE, RECORD_BYTES, clock.now());
    if (record === undefined) break;
    lane.link.a.write(MAIN_LANE, record);
  }
  clock.schedule(() => network.cut(lane), stayMs + configuration.link.latencyMs * 2);
}

class Thief implements Caller {
  readonly principal: string;
  readonly honest = false;
  readonly abandoned = false;
  readonly number = 0;
  readonly carried: Application;

  constructor(principal: string, carried: Application) {
    this.principal = principal;
    this.carried = carried;
  }

  begin(): Application | undefined {
    return undefined;
  }
}
