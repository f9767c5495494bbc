import { getHeapSpaceStatistics } from "node:v8";
import { expect, test } from "vitest";
import { openSessions } from "../../test/sessions.ts";
import { type Client, client } from "./client.ts";
import { contract, type, unary } from "./contract.ts";
import { implement } from "./service.ts";

const ECHO = contract({ echo: unary({ input: type<number>(), output: type<number>() }) });

/** Calls made before the heap is looked at, so that code and caches are what they will be. */
const WARM_UP = 10_000;
/** Calls that are watched. Some 3 KB a call come and go with them. */
const CALLS = 100_000;
const IN_FLIGHT = 100;
/** A call that survives a collection of the young heap is in the old one: 20,000 of them are over 20 MB. */
const MOST_OLD_BYTES = 5_000_000;

test("calls that are over do not fill the old heap", async () => {
  const sessions = await openSessions();
  implement(ECHO, { echo: (value) => value }).attach(sessions.server);
  const calls = client(sessions.client, ECHO);
  await Promise.all([callMany(calls, WARM_UP), makeGarbage()]);
  const before = oldBytes();
  let most = 0;
  for (let done = 0; done < CALLS; done += 5_000) {
    await callMany(calls, 5_000);
    most = Math.max(most, oldBytes() - before);
  }
  expect(most).toBeLessThan(MOST_OLD_BYTES);
  await sessions.client.close();
});

/** Make `count` calls, with so many of them under way at any time. */
async function callMany(calls: Client<typeof ECHO>, count: number): Promise<void> {
  let begun = 0;
  const caller = async () => {
    while (begun < count) {
      const value = begun++;
      if ((await calls.echo(value)) !== value) throw new Error(`Answer of call ${value} is wrong`);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, caller));
}

/** Fill the young heap some times over while calls are under way: what is in use then gets old. */
async function makeGarbage(): Promise<void> {
  for (let round = 0; round < 8; round++) {
    await new Promise((resolve) => setImmediate(resolve));
    let garbage: unknown[] = [];
    for (let i = 0; i < 1_000_000; i++) garbage = [i, garbage.length];
  }
}

/** Bytes in use of the old heap. */
function oldBytes(): number {
  return getHeapSpaceStatistics().find(({ space_name: name }) => name === "old_space")!.space_used_size;
}
