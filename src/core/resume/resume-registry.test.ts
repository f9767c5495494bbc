import { describe, expect, test } from "vitest";
import type { Bytes } from "../bytes.ts";
import {
  DEFAULT_RESUME_LIMITS,
  type DropReason,
  type ResumeLimits,
  ResumeRegistry,
} from "./resume-registry.ts";

interface Held {
  readonly mux: { heldBytes: number };
  readonly id: number;
}

const bytes = (value: number, length = 32): Bytes => new Uint8Array(length).fill(value);
const id = (value: number) => bytes(value, 16);

function start(limits: Partial<ResumeLimits> = {}) {
  const dropped: [number, DropReason][] = [];
  const registry = new ResumeRegistry<Held>({ ...DEFAULT_RESUME_LIMITS, ...limits }, (owner, why) =>
    dropped.push([owner.id, why]),
  );
  const add = (value: number, principal?: string, heldBytes = 0): Held => {
    const owner = { mux: { heldBytes }, id: value };
    registry.add(owner, id(value), principal, bytes(value));
    return owner;
  };
  return { registry, dropped, add };
}

describe("claim()", () => {
  test("finds a session by its id and the digest of its token, for its principal only", () => {
    const { registry, add } = start();
    const ada = add(1, "ada");
    registry.detach(ada, 0);
    for (const [session, digest, principal] of [
      [2, 1, "ada"],
      [1, 2, "ada"],
      [1, 1, "eve"],
      [1, 1, undefined],
    ] as const)
      expect(
        registry.claim({
          sessionId: id(session),
          digest: bytes(digest),
          principal: principal,
          next: bytes(9),
        }),
      ).toBeUndefined();
    expect(
      registry.claim({ sessionId: id(1), digest: bytes(1, 31), principal: "ada", next: bytes(9) }),
    ).toBeUndefined();
    expect(
      registry.claim({ sessionId: id(1), digest: bytes(1, 0), principal: "ada", next: bytes(9) }),
    ).toBeUndefined();
    expect(registry.claim({ sessionId: id(1), digest: bytes(1), principal: "ada", next: bytes(9) })).toBe(
      ada,
    );
    expect(registry.counters).toMatchObject({ resumed: 1, takenOver: 0, refused: 6 });
    expect([registry.size, registry.detached, registry.detachedBytes]).toEqual([1, 0, 0]);
  });

  test("leaves the token that was shown good until the client has proved the next one", () => {
    const { registry, add } = start();
    const owner = add(1);
    expect(registry.claim({ sessionId: id(1), digest: bytes(1), principal: undefined, next: bytes(2) })).toBe(
      owner,
    );
    // The answer was lost: the client comes back with what it has.
    expect(registry.claim({ sessionId: id(1), digest: bytes(1), principal: undefined, next: bytes(3) })).toBe(
      owner,
    );
    expect(
      registry.claim({ sessionId: id(1), digest: bytes(2), principal: undefined, next: bytes(4) }),
    ).toBeUndefined();
    registry.confirm(owner);
    expect(
      registry.claim({ sessionId: id(1), digest: bytes(1), principal: undefined, next: bytes(4) }),
    ).toBeUndefined();
    expect(registry.claim({ sessionId: id(1), digest: bytes(3), principal: undefined, next: bytes(4) })).toBe(
      owner,
    );
    // The answer came, but not the proof of it.
    expect(registry.claim({ sessionId: id(1), digest: bytes(4), principal: undefined, next: bytes(5) })).toBe(
      owner,
    );
    expect(
      registry.claim({ sessionId: id(1), digest: bytes(3), principal: undefined, next: bytes(6) }),
    ).toBeUndefined();
    expect(registry.counters.takenOver).toBe(4);
  });
});

test("claim() refuses an attempt that was sent before the last one", () => {
  const { registry, add } = start();
  const owner = add(1);
  const claim = (attempt: number) =>
    registry.claim({ sessionId: id(1), digest: bytes(1), principal: undefined, next: bytes(2), attempt });
  expect(claim(2)).toBe(owner);
  expect([claim(1), claim(2)]).toEqual([undefined, undefined]);
  expect(claim(3)).toBe(owner);
});

describe("what is kept", () => {
  test("ends with its time, the first lost first", () => {
    const { registry, dropped, add } = start({ keepMs: 100 });
    const [a, b, c] = [add(1), add(2), add(3)];
    expect(registry.deadline).toBeUndefined();
    registry.detach(b, 0);
    registry.detach(a, 30);
    registry.detach(a, 90);
    registry.detach(c, 60);
    registry.claim({ sessionId: id(2), digest: bytes(2), principal: undefined, next: bytes(9) });
    expect(registry.deadline).toBe(130);
    registry.expire(129);
    registry.expire(160);
    expect(dropped).toEqual([
      [1, "expired"],
      [3, "expired"],
    ]);
    expect(
      registry.claim({ sessionId: id(1), digest: bytes(1), principal: undefined, next: bytes(9) }),
    ).toBeUndefined();
    expect([registry.size, registry.detached, registry.counters.expired]).toEqual([1, 0, 2]);
    registry.remove(b);
    expect(registry.detach(b, 0)).toBe(false);
  });

  test("is bounded in number, in all and of a principal", () => {
    const { registry, dropped, add } = start({ maxDetached: 4, maxDetachedPerPrincipal: 2 });
    for (const [value, principal] of [
      [1, "a"],
      [2, "a"],
      [3, "b"],
      [4, "a"],
      [5, undefined],
      [6, undefined],
    ] as const)
      registry.detach(add(value, principal), value);
    expect(dropped).toEqual([
      [1, "evicted"],
      [2, "evicted"],
    ]);
    expect([registry.detached, registry.counters.evicted]).toEqual([4, 2]);
  });

  test("is bounded in bytes, which are counted again while their applications go on", () => {
    const { registry, dropped, add } = start({ maxDetachedBytes: 100 });
    const owners = [1, 2, 3].map((value) => add(value, undefined, 30));
    for (const owner of owners) registry.detach(owner, 0);
    expect(registry.detachedBytes).toBe(90);
    owners[1]!.mux.heldBytes = 60;
    registry.detach(add(4, undefined, 30), 50);
    expect(dropped).toEqual([[1, "evicted"]]);
    registry.detach(add(5, undefined, 0), 150);
    expect(dropped).toEqual([
      [1, "evicted"],
      [2, "evicted"],
    ]);
    expect(registry.detachedBytes).toBe(60);
    owners[2]!.mux.heldBytes = 101;
    registry.expire(250);
    expect(dropped.at(-1)).toEqual([3, "evicted"]);
    registry.detach(add(6, undefined, 101), 300);
    expect([registry.detached, registry.detachedBytes]).toEqual([0, 0]);
  });
});
