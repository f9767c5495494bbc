import { errorOf } from "tideway";
import { check, codeOf, equal, failure, until } from "../assert.ts";
import type { Case } from "../case.ts";
import { api, MAX_CALLS, TOKEN } from "../contract.ts";

/** Who may call, and what a call carries, answers and fails with. */
export const CALLS: readonly Case[] = [
  {
    name: "credentials are checked",
    needs: "url",
    async run(open) {
      equal(await codeOf(open({ auth: "eve", reconnect: false })), "ERR_AUTH");
      const { calls } = await open();
      equal((await calls.about()).principal, TOKEN);
    },
  },
  {
    name: "unary calls",
    needs: "url",
    async run(open) {
      const { calls } = await open();
      const sums = Array.from({ length: 300 }, (_, i) => calls.add([i, i]));
      equal(
        await Promise.all(sums),
        Array.from({ length: 300 }, (_, i) => 2 * i),
      );
    },
  },
  {
    name: "server streams",
    needs: "url",
    async run(open) {
      const { calls } = await open();
      let expected = 1;
      for await (const number of calls.count(500)) equal(number, expected++);
      equal(expected, 501);
    },
  },
  {
    name: "client streams",
    needs: "url",
    async run(open) {
      const { calls } = await open();
      const numbers = Array.from({ length: 500 }, (_, i) => i);
      equal(await calls.sum().sendAll(numbers), 124_750);
    },
  },
  {
    name: "duplex calls",
    needs: "url",
    async run(open) {
      const { calls } = await open();
      const echo = calls.echo();
      for (let i = 0; i < 50; i++) {
        await echo.send(`${i} ü`);
        equal(await echo.receive(), `${i} ü`);
      }
      echo.end();
      equal(await echo.receive(), undefined);
    },
  },
  {
    name: "calls from the server to the client",
    needs: "url",
    async run(open) {
      const { calls } = await open();
      equal(await calls.callBack(40), [41, 40, 820, 12]);
    },
  },
  {
    name: "headers, trace, deadline",
    needs: "url",
    async run(open) {
      const { calls } = await open();
      const about = await calls.about(undefined, {
        headers: [["k", "ü"]],
        trace: "00-trace",
        deadlineMs: 5_000,
      });
      equal(about, { headers: [["k", "ü"]], trace: "00-trace", hasDeadline: true, principal: TOKEN });
    },
  },
  {
    name: "typed errors",
    needs: "url",
    async run(open) {
      const { calls } = await open();
      const error = await failure(calls.fail("typed"));
      equal(errorOf(api.fail, error)?.details, { by: 5 });
      const other = await failure(calls.fail("other"));
      equal(other instanceof Error && other.message, "Internal error");
      equal(await codeOf(calls.fail("other")), "ERR_INTERNAL");
    },
  },
  {
    name: "cancellation",
    needs: "url",
    async run(open) {
      const { calls } = await open();
      const abort = new AbortController();
      const code = codeOf(calls.wait(undefined, { signal: abort.signal }));
      await calls.add([1, 1]);
      abort.abort();
      equal(await code, "ERR_CANCELLED");
      await until(async () => (await calls.aborted()).length === 1);
      equal(await calls.aborted(), ["ERR_CANCELLED"]);
    },
  },
  {
    name: "deadlines",
    needs: "url",
    async run(open) {
      const { calls } = await open();
      equal(await codeOf(calls.wait(undefined, { deadlineMs: 50 })), "ERR_DEADLINE");
      await until(async () => (await calls.aborted()).length === 1);
      equal(await calls.aborted(), ["ERR_DEADLINE"]);
    },
  },
  {
    name: "the limit of calls",
    needs: "url",
    async run(open) {
      const { calls } = await open();
      const abort = new AbortController();
      const running = Array.from({ length: MAX_CALLS }, () =>
        codeOf(calls.wait(undefined, { signal: abort.signal })),
      );
      equal(await codeOf(calls.wait()), "ERR_OVERLOADED");
      abort.abort();
      check(
        (await Promise.all(running)).every((code) => code === "ERR_CANCELLED"),
        "every call to be cancelled",
      );
      // Until the server has heard of it, this call is one too many itself.
      await until(async () => (await calls.aborted().catch(() => [])).length === MAX_CALLS);
    },
  },
];
