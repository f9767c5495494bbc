import type { Page } from "@playwright/test";
import { msgpackCodec } from "tideway/msgpack";
import { client, connect } from "tideway/node";
import { api, type ChatEvent, MAX_LINE_CHARS } from "../demo/contract.ts";
import { expect, test } from "./support/demo.ts";

/** More than the window of a stream and a member's mailbox hold together. */
const LINES = 1_000;

test("two tabs chat", async ({ openDemo }) => {
  const [one, two] = await Promise.all([openDemo(), openDemo()]);
  await expect(one.locator("#members")).toHaveText("2 in the room.");
  const name = /as (.+)\./.exec((await one.locator("#lines li").first().textContent()) ?? "")?.[1] ?? "?";
  const last = (page: Page) => page.locator("#lines li").last();
  await one.locator("#line").fill("The tide <b>is</b> in");
  await one.locator("#line").press("Enter");
  await expect(one.locator("#lines .own")).toHaveText("YouThe tide <b>is</b> in");
  await expect(last(two)).toHaveText(`${name}The tide <b>is</b> in`);
  await two.locator("#line").fill("Seen");
  await two.locator("#say").click();
  await expect(last(one)).toHaveText(/Seen$/);
  await two.close();
  await expect(last(one)).toHaveText(/ left\.$/);
});

test("a member who does not read is told how much it missed, and holds nobody up", async ({ demo }) => {
  const join = async () => {
    const url = `${demo.url.replace("http", "ws")}/tideway`;
    const session = await connect(url, { codecs: [msgpackCodec()], auth: "a secret of this test" });
    return { session, room: client(session, api).chat.join() };
  };
  const slow = await join();
  expect(await slow.room.receive()).toMatchObject({ kind: "welcome" });
  const quick = await join();
  expect(await quick.room.receive()).toMatchObject({ kind: "welcome" });

  for (let sent = 0; sent < LINES; sent++) {
    const text = `${sent} `.padEnd(MAX_LINE_CHARS, "~");
    await quick.room.send(text);
    expect(await quick.room.receive()).toMatchObject({ kind: "line", text });
  }

  const heard: ChatEvent[] = [];
  for await (const event of slow.room) {
    heard.push(event);
    if (event.kind === "missed") break;
  }
  const lines = heard.flatMap((event) => (event.kind === "line" ? [Number.parseInt(event.text, 10)] : []));
  const missed = heard.flatMap((event) => (event.kind === "missed" ? [event.events] : []));
  expect(lines).toEqual(lines.map((_, at) => at));
  expect(missed).toEqual([LINES - lines.length]);
  await Promise.all([slow.session.close(), quick.session.close()]);
});
