import { describe, expect, it } from "vitest";
import { PEER_PROGRAMS, TIDEWAY } from "../../bench/peers/contenders.ts";
import { start } from "../../bench/peers/field.ts";
import { hasPeers, peerVersions } from "../../bench/peers/packages.ts";

describe("the field", () => {
  it("names the packages of each contender as bench/package.json has them", () => {
    const versions = peerVersions();
    for (const { versionsOf } of PEER_PROGRAMS) {
      for (const name of versionsOf) expect(versions, name).toHaveProperty([name]);
    }
  });

  it("keeps versions exact, so that figures can be compared", () => {
    for (const version of Object.values(peerVersions())) expect(version).toMatch(/^\d+\.\d+\.\d+(-[\w.]+)?$/);
  });

  // nats-server is no package: where the system lacks it, the bench says so and goes on.
  const runnable = PEER_PROGRAMS.filter(
    ({ name, packages }) => packages === "project" || (hasPeers() && name !== "nats"),
  );
  for (const program of [TIDEWAY, ...runnable]) {
    it(`${program.name} answers calls and counts messages`, { timeout: 90_000 }, async () => {
      const { client, sendsOneWay, configuration, close } = await start(program);
      try {
        expect(configuration.length).toBeGreaterThan(20);
        for (const payload of ["bytes", "record"] as const) {
          expect(await client.ask("call", { payload, count: 300, inFlight: 20 })).toBeGreaterThan(0);
        }
        const { p50, p99 } = await client.ask("latencies", { payload: "bytes", count: 20 });
        expect(p99).toBeGreaterThanOrEqual(p50);
        if (sendsOneWay) expect(await client.ask("send", 2_500)).toBeGreaterThan(0);
      } finally {
        await close();
      }
    });
  }
});
