// The script of the page that servers/deno.ts serves: what tests call in the page.
import {
  type BrowserConnectOptions,
  choiceOf,
  client,
  connect,
  dialWebSocket,
  dialWebTransport,
  type LaneChoice,
  type Session,
} from "tideway";
import { msgpackCodec } from "tideway/msgpack";
import { api } from "../servers/contract.ts";

const MIB = 1024 * 1024;
const SOCKET = new URL("/tideway", location.href.replace("http", "ws"));

let session: Session;

/** How to reach the server, and how long one transport is tried alone. */
interface Way {
  readonly url: string;
  readonly hash: readonly number[];
  readonly headStartMs?: number;
  readonly timeoutMs?: number;
}

const webtransport = {
  open,
  exchange,
  echoLarge,
  datagrams,
  migrate,
  abort,
  close,
  storage,
  current,
  transfer,
  passed,
};

declare global {
  interface Window {
    webtransport: typeof webtransport;
  }
}

function optionsFor({ hash, headStartMs, timeoutMs }: Way): BrowserConnectOptions {
  const value = new Uint8Array(hash);
  return {
    codecs: [msgpackCodec()],
    limits: { maxDatagramBytes: 8_000 },
    webTransport: { serverCertificateHashes: [{ algorithm: "sha-256", value }] },
    webSocketUrl: SOCKET,
    upgradeMs: 1_000,
    ...(headStartMs === undefined ? {} : { headStartMs }),
    ...(timeoutMs === undefined ? {} : { connectTimeoutMs: timeoutMs }),
  };
}

/** Connect. @returns what was chosen, and why. */
async function open(way: Way) {
  session = await connect(way.url, optionsFor(way));
  const { transport } = session.stats();
  const choice = choiceOf(session);
  return { transport, reasons: choice?.reasons, contenders: choice?.contenders.map((each) => each.outcome) };
}

/** All four shapes of call. */
async function exchange() {
  const calls = client(session, api);
  const echoed = await calls.echo({ text: "příliv 🌊" });
  const counted: number[] = [];
  for await (const number of calls.count(1_000)) counted.push(number);
  const total = await calls.sum().sendAll(counted);
  const letters = calls.letters();
  await letters.send("ahoj");
  const answer = await letters.receive();
  letters.end();
  const end = await letters.receive();
  const failed = await calls.fail("typed").catch((error) => error.details);
  return { echoed, counted: counted.length, total, answer, end, failed };
}

/** Send a message of nearly 16 MiB there and back. @returns whether it is the same. */
async function echoLarge() {
  const sent = new Uint8Array(16 * MIB - 64);
  for (let at = 0; at < sent.length; at += 65_536)
    crypto.getRandomValues(sent.subarray(at, Math.min(at + 65_536, sent.length)));
  const back = await client(session, api).bytes(sent);
  const hashes = await Promise.all([sent, back].map((bytes) => crypto.subtle.digest("SHA-256", bytes)));
  const [mine, theirs] = hashes.map((hash) => new Uint8Array(hash as ArrayBuffer).join());
  return mine === theirs && back.length === sent.length;
}

/** Send datagrams, of which the server sends each back. */
async function datagrams(count: number, size: number) {
  const back: number[] = [];
  const onDatagram = ({ payload }: { payload: Uint8Array }) => back.push(payload.length);
  session.addEventListener("datagram", onDatagram);
  const before = session.stats();
  let taken = 0;
  for (let number = 0; number < count; number++) {
    if (session.sendDatagram(new Uint8Array(size))) taken++;
    if (number % 8 === 7) await new Promise((resolve) => setTimeout(resolve, 2));
  }
  const end = performance.now() + 3_000;
  while (back.length < taken && performance.now() < end)
    await new Promise((resolve) => setTimeout(resolve, 5));
  const after = session.stats();
  return {
    taken,
    back: back.filter((length) => length === size).length,
    records: after.recordsSent - before.recordsSent,
    dropped: after.datagramsDropped - before.datagramsDropped,
  };
}

/** Move to the other transport and back while numbers and a large message travel. */
async function migrate(way: Way) {
  const calls = client(session, api);
  const dials = [
    dialWebTransport(way.url, optionsFor(way).webTransport || {}),
    dialWebSocket(SOCKET),
    dialWebTransport(way.url, optionsFor(way).webTransport || {}),
  ];
  let expected = 1;
  let moving: Promise<void> | undefined;
  const path: (string | undefined)[] = [session.stats().transport];
  const large = calls.bytes(new Uint8Array(4 * MIB).fill(7));
  for await (const number of calls.count(6_000)) {
    if (number !== expected++) throw new Error(`Got ${number} instead of ${expected - 1}`);
    if (number % 1_500 !== 0) continue;
    await moving;
    const dial = dials.shift();
    if (dial === undefined) continue;
    moving = (async () => {
      await session.migrate(await dial(new AbortController().signal));
      path.push(session.stats().transport);
    })();
  }
  await moving;
  const { migrations } = session.stats();
  return { counted: expected - 1, path, migrations, large: (await large).every((b) => b === 7) };
}

/** Bytes of the transfer that were queued so far, and where they travel. */
const progress = { bytes: 0, lane: "", calls: 0 };

function passed() {
  return { ...progress, transport: session.stats().transport };
}

/** Send bytes up, get some back, and call all the time. @returns whether all is right, and how long the calls took. */
async function transfer(lane: LaneChoice, up: number, back: number) {
  const calls = client(session, api);
  const stream = session.openStream("transfer", { lane, peerLane: lane, headers: [["back", `${back}`]] });
  const sent = new Uint8Array(up);
  for (let at = 0; at < up; at += 65_536)
    crypto.getRandomValues(sent.subarray(at, Math.min(at + 65_536, up)));
  let over = false;
  const tookMs: number[] = [];
  const calling = (async () => {
    while (!over) {
      const started = performance.now();
      await calls.echo(progress.calls++);
      tookMs.push(performance.now() - started);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  })();
  for (let at = 0; at < up; at += 65_536) {
    await stream.send(sent.slice(at, at + 65_536));
    progress.bytes = at;
    progress.lane = stream.lane;
  }
  void stream.close();
  const theirs = await stream.receive();
  let came = 0;
  for await (const piece of stream) came += piece.every((byte) => byte === 7) ? piece.length : 0;
  over = true;
  await calling;
  const mine = new Uint8Array(await crypto.subtle.digest("SHA-256", sent));
  tookMs.sort((a, b) => a - b);
  const at = (share: number) => tookMs[Math.floor(tookMs.length * share)] ?? 0;
  const same = mine.join() === theirs?.join() && came === back;
  return { same, lane: progress.lane, calls: tookMs.length, medianMs: at(0.5), p99Ms: at(0.99) };
}

/** Give up while both transports are tried. @returns what `connect` rejected with, and how long that took. */
async function abort(way: Way, afterMs: number) {
  const started = performance.now();
  const signal = AbortSignal.timeout(afterMs);
  const error = await connect(way.url, {
    ...optionsFor(way),
    webSocketUrl: way.url.replace("https", "ws"),
    signal,
  }).then(
    () => "connected",
    (reason: Error) => reason.name,
  );
  return { error, ms: performance.now() - started };
}

/** Make a call, and tell what carries it. */
async function current() {
  await client(session, api).echo(1);
  const { transport, migrations, reconnects } = session.stats();
  return { transport, migrations, reconnects, reasons: choiceOf(session)?.reasons };
}

async function close() {
  const started = performance.now();
  await session.close();
  return performance.now() - started;
}

function storage() {
  return { ...localStorage };
}

window.webtransport = webtransport;
