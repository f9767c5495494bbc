import type { ErrorName } from "../core/errors.ts";
import type { Application } from "./application.ts";
import type { Endpoint } from "./endpoint.ts";
import { type Exchange, otherRole } from "./ledger.ts";
import type { World } from "./world.ts";

/** Whether both sides of a session are connected and have nothing more to do. */
export function isQuiet(client: Application): boolean {
  const { peer } = client;
  if (peer === undefined) return false;
  for (const side of [client, peer]) {
    const { table, outbox } = side.mux;
    if (!side.connected) return false;
    if (
      table.size > 0 ||
      outbox.queuedBytes > 0 ||
      outbox.ready ||
      outbox.deadline !== Number.POSITIVE_INFINITY
    )
      return false;
    if (side.endpoints.some((endpoint) => !endpoint.over)) return false;
  }
  return true;
}

/**
 * Every half of a session has come to an end that both its sender and its reader were told, and that has a reason.
 * @param sides - all applications of a run
 * @throws {Violation} otherwise.
 */
export function checkEnd(world: World, sides: readonly Application[]): void {
  for (const side of sides) {
    if (side.gone) continue;
    if (side.ended !== undefined) checkEnded(world, side);
    const ends = new Map(side.peer?.endpoints.map((endpoint) => [endpoint.exchange, endpoint]));
    for (const endpoint of side.endpoints) checkEndpoint(world, side, endpoint, ends.get(endpoint.exchange));
  }
}

function checkEnded(world: World, side: Application): void {
  const code = side.ended?.code;
  if (PEER_FAULTS.has(code ?? "ERR_NONE") || !explainsEnd(world, side, code))
    world.fail(`${side.name}: ended with ${code}`);
  if (code === "ERR_TIMEOUT") world.mark("timedOut");
  if (code === "ERR_AUTH") world.mark("rejected");
  const { peer } = side;
  if (peer !== undefined && !peer.gone && peer.ended === undefined && peer.connections > 0)
    world.fail(`${peer.name}: did not hear that the session is over`);
}

/** Whether something has happened that ends a session with `code`. */
function explainsEnd(world: World, side: Application, code: ErrorName | undefined): boolean {
  const { peer } = side;
  const resumable = world.configuration.resume !== undefined;
  const away = peer === undefined || peer.gone || peer.ended !== undefined;
  switch (code) {
    case undefined:
      return world.has("close") || side.connections === 0 || peer?.connections === 0;
    case "ERR_OVERLOADED":
      return world.has("close");
    case "ERR_AUTH":
      return world.has("reject");
    case "ERR_SESSION_UNKNOWN":
      return side.role === "client" && (away || peer?.stolen !== undefined);
    case "ERR_SESSION_EXPIRED":
      return resumable && (world.has("forget") || side.expired || side.role === "server");
    case "ERR_TAKEOVER":
      return side.role === "client" && (peer?.stolen !== undefined || side.refused);
    case "ERR_CONNECTION_LOST":
    case "ERR_TIMEOUT":
      if (resumable) return side.connections === 0 || peer?.connections === 0 || world.goingAway;
      return world.has("cut") || world.has("close") || world.has("reject") || world.mayTimeOut;
    default:
      return false;
  }
}

/** Errors that say that one of the two connections does not keep to the protocol. */
const PEER_FAULTS: ReadonlySet<ErrorName> = new Set<ErrorName>([
  "ERR_PROTOCOL",
  "ERR_FRAME_TOO_LARGE",
  "ERR_MESSAGE_TOO_LARGE",
  "ERR_FLOW",
  "ERR_STREAM_LIMIT",
  "ERR_RATE",
  "ERR_LIMIT",
  "ERR_DECODE",
  "ERR_VERSION",
  "ERR_INTERNAL",
]);

/** Whether one of the two sides has ended, or its process. */
function isLost(side: Application): boolean {
  const { peer } = side;
  return side.ended !== undefined || peer === undefined || peer.gone || peer.ended !== undefined;
}

function checkEndpoint(
  world: World,
  side: Application,
  endpoint: Endpoint,
  peer: Endpoint | undefined,
): void {
  const { exchange, out } = endpoint;
  const reads = endpoint.in;
  const name = `${side.name}, stream ${endpoint.stream.id} (half ${out.number}, ${exchange.opener} opened it)`;
  // It was given up after its OPEN had left, and that was lost.
  const first = exchange.halves[exchange.opener];
  const gaveUp = first.resetCode !== undefined || first.sendError === "ERR_SLOW_CONSUMER";
  if (!exchange.accepted && gaveUp && side.losses > 0) {
    if (!exchange.withdrawn) world.mark("openLostAndWithdrawn");
    exchange.withdrawn = true;
  }
  if (out.sending === "open")
    world.fail(`${name}: sending did not come to an end, ${unsentOf(side, endpoint)}`);
  if (reads.reading === "open")
    world.fail(`${name}: reading half ${reads.number} did not come to an end after ${reads.read} messages`);
  const lost = isLost(side);
  if (out.sending === "delivered" && out.reading === "failed" && out.readError !== "ERR_GOING_AWAY")
    world.fail(`${name}: delivered, but the reader failed with ${out.readError}`);
  if (out.sending === "stopped" && !explainsStop(world, side, endpoint))
    world.fail(`${name}: stopped with ${out.sendError}`);
  if (reads.reading === "failed" && lost && reads.read < reads.messages.length)
    world.mark("closedWithUnread");
  if (reads.reading === "failed" && !explainsFailure(world, side, endpoint))
    world.fail(`${name}: reading half ${reads.number} failed with ${reads.readError}`);
  checkProgress(world, side, endpoint, name);
  const never = peer === undefined && endpoint.stream.local && !lost;
  if (never && !exchange.withdrawn && !exchange.tooLarge && !world.goingAway)
    world.fail(`${name}: the peer never heard of it`);
  if (out.sendError === "ERR_GOING_AWAY" && world.goingAway) world.mark("streamRefused");
}

/** What a side was told of its progress when it lost the session is true. */
function checkProgress(
  world: World,
  side: Application,
  { exchange, progress }: Endpoint,
  name: string,
): void {
  if (progress === undefined) return;
  if (side.ended === undefined) world.fail(`${name}: was lost, but the session was not`);
  const other = exchange.streams[otherRole(side.role)];
  if (!progress.opened && exchange.accepted)
    world.fail(`${name}: lost as never opened, but the peer has heard of it`);
  const { received = 0 } = other?.receive.window ?? {};
  if (progress.sentBytes < received)
    world.fail(`${name}: lost with ${progress.sentBytes} bytes sent, ${received} have arrived`);
  const { sent = 0 } = other?.send ?? {};
  if (progress.receivedBytes > sent)
    world.fail(`${name}: lost with ${progress.receivedBytes} bytes received, ${sent} were sent`);
}

function unsentOf(side: Application, { stream }: Endpoint): string {
  const { send } = stream;
  const { outbox, table } = side.mux;
  const peer = side.peer?.mux.table;
  return [
    `sent ${send.sent} of ${send.queued}, credit up to ${send.limit}, acknowledged ${send.acked}`,
    `session sent ${outbox.sent}, credit up to ${outbox.limit}, ${outbox.queuedBytes} queued`,
    `${table.size} streams open, up to ${table.openLimit}, the peer has ${peer?.size} and accepts up to ${peer?.acceptLimit}`,
    side.connected ? "connected" : `not connected, ended ${side.ended?.code}`,
  ].join("; ");
}

/** Codes that may end a stream on this side without a word of either application about that stream. */
function commonCause(world: World, side: Application, code: ErrorName | undefined): boolean {
  if (code === "ERR_GOING_AWAY" && (world.goingAway || side.ended !== undefined)) return true;
  if (code === "ERR_TIMEOUT" && world.mayTimeOut) return true;
  if (code === "ERR_SLOW_CONSUMER" && stallsSoon(world)) {
    world.mark("slowConsumer");
    return true;
  }
  return side.ended !== undefined && code === side.ended.code;
}

/** Whether a side gives up a stream whose reader only takes its time, or whose process is asleep. */
function stallsSoon(world: World): boolean {
  const { client, server } = world.configuration.limits;
  const silent = world.has("suspend") || world.has("halfOpen") || world.has("restart") || world.has("away");
  return Math.min(client.stallMs, server.stallMs) < 60_000 || silent;
}

function explainsStop(world: World, side: Application, { exchange, out }: Endpoint): boolean {
  return (
    out.sendError === out.stopCode ||
    exchange.withdrawn ||
    tooLarge(world, exchange, out.sendError) ||
    commonCause(world, side, out.sendError)
  );
}

function tooLarge(world: World, exchange: Exchange, code: ErrorName | undefined): boolean {
  if (!exchange.tooLarge || code !== "ERR_MESSAGE_TOO_LARGE") return false;
  world.mark("tooLargeEarly");
  return true;
}

function explainsFailure(world: World, side: Application, endpoint: Endpoint): boolean {
  const { exchange, in: half } = endpoint;
  return (
    half.readError === half.resetCode ||
    exchange.withdrawn ||
    tooLarge(world, exchange, half.readError) ||
    commonCause(world, side, half.readError)
  );
}

/**
 * Nothing is left of what was sent: no queue, no credit, no place in a table.
 * @param client - a session that is open and quiet
 * @throws {Violation} otherwise.
 */
export function checkQuiet(world: World, client: Application): void {
  const server = client.peer as Application;
  for (const [side, other] of [
    [client, server],
    [server, client],
  ] as const) {
    const { outbox, table, told, window } = side.mux;
    const peer = other.mux;
    const equal = (what: string, found: number, wanted: number): void => {
      if (found !== wanted)
        world.fail(`${side.name}: ${what} is ${found} instead of ${wanted} when all is quiet`);
    };
    equal("the number of streams", table.size, 0);
    equal("the number of queued bytes", outbox.queuedBytes, 0);
    equal("the number of bytes that are kept", outbox.retainedBytes, 0);
    equal("the number of ends that the peer may not know", told.length, 0);
    equal("the session's consumed position", window.consumed, window.received);
    equal("the peer's received position", peer.window.received, outbox.sent);
    if (table.openLimit > peer.table.acceptLimit)
      world.fail(
        `${side.name}: may open ${table.openLimit} streams, the peer accepts ${peer.table.acceptLimit}`,
      );
    checkDatagrams(world, side, other);
  }
}

function checkDatagrams(world: World, side: Application, other: Application): void {
  const connection = side.host?.connection;
  const refused = other.host?.connection.counters.datagramsRefused ?? 0;
  const dropped = connection?.datagrams.dropped ?? 0;
  if (dropped > 0) world.mark("datagramDropped");
  const found = other.datagramsHeard + dropped + refused;
  const sent = side.datagramsSent.length;
  const lossy = side.connections > 1 || other.connections > 1;
  if (lossy ? found > sent : found !== sent)
    world.fail(`${side.name}: ${sent} datagrams were sent, ${found} are known of when all is quiet`);
}
