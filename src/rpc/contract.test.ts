import * as v from "valibot";
import { describe, expect, test } from "vitest";
import { openSessions } from "../../test/sessions.ts";
import { client, contract, implement, type MethodTree, type, unary } from "../index.ts";

const ping = unary({ input: type<void>(), output: type<string>() });

describe("contract()", () => {
  test("returns what it was given", () => {
    const methods = { ping, room: { ping } };
    expect(contract(methods)).toBe(methods);
  });

  test.each(["", "a.b", "then", "__proto__"])("refuses the name %j", (name) => {
    expect(() => contract({ ["x"]: ping, [name]: ping })).toThrow(
      `Cannot use method name ${JSON.stringify(name)}`,
    );
    expect(() => contract({ part: { [name]: ping } })).toThrow(TypeError);
  });

  test.each([
    ["nothing", undefined],
    ["null", null],
    ["text", "unary"],
    ["a schema without its shape", v.string()],
  ])("refuses %s as an entry and says which", (_, entry) => {
    const methods = { part: { broken: entry } } as unknown as MethodTree;
    expect(() => contract(methods)).toThrow("Cannot use part.broken: expected unary()");
  });

  test("takes a part with a method named shape", () => {
    const api = contract({ tools: { shape: ping } });
    expect(() => implement(api, { tools: { shape: () => "square" } })).not.toThrow();
  });
});

describe("implement()", () => {
  const api = contract({ ping, room: { ping } });

  test("refuses a method without a handler and names it", () => {
    const room = { ping: () => "b" };
    expect(() => implement(api, { room } as never)).toThrow("Cannot implement ping: it has no handler");
    expect(() => implement(api, { ping: () => "a", room: {} } as never)).toThrow(
      "Cannot implement room.ping: it has no handler",
    );
    expect(() => implement(api, { ping: () => "a" } as never)).toThrow(
      "Cannot implement room: it has no handlers",
    );
  });

  test("does not take what every object has for a handler", () => {
    const names = contract({ toString: ping, constructor: ping, hasOwnProperty: ping });
    expect(() => implement(names, {} as never)).toThrow("Cannot implement toString: it has no handler");
  });

  test("takes an instance of a class, with its own this", async () => {
    class Room {
      readonly #name = "lobby";
      ping(): string {
        return this.#name;
      }
    }
    const service = implement(contract({ ping }), new Room());
    const sessions = await openSessions({ server: { onSession: (session) => service.attach(session) } });
    expect(await client(sessions.client, contract({ ping })).ping()).toBe("lobby");
    await sessions.client.close();
  });
});

describe("client()", () => {
  test("is no promise, and has nothing but its methods", async () => {
    const { client: session } = await openSessions();
    const calls = client(session, contract({ ping, room: { ping } }));
    expect(await calls).toBe(calls);
    expect(Object.keys(calls)).toEqual(["ping", "room"]);
    await session.close();
  });
});
