import type { ErrorName } from "../core/errors.ts";
import type { Application } from "./application.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Exchange } from "./ledger.ts";
import type { World } from "./world.ts";

/** Whether both sides have nothing more to do. */
export function isQuiet(client: Application, server: Application): boolean {
  if (client.closed !== undefined && server.closed !== undefined) return true;
  if (client.closed !== server.closed || !client.opened || !server.opened) return false;
  for (const side of [client, server]) {
    const { mux } = side.connection;
    if (
      mux.table.size > 0 ||
      mux.outbox.queuedBytes > 0 ||
      mux.outbox.ready ||
      mux.outbox.deadline !== undefined
    )
      return false;
    if (side.endpoints.some((endpoint) => !endpoint.over)) return false;
  }
  return true;
}

/**
 * Every half has come to an end that both its sender and its reader were told, and that has a reason.
 * @throws {Violation} otherwise.
 */
export function checkEnd(world: World, client: Application, server: Application): void {
  checkClosed(world, client, server);
  const ends = new Map<string, Endpoint>();
  for (const side of [client, server]) {
    for (const endpoint of side.endpoints) ends.set(`${side.role} ${endpoint.exchange.number}`, endpoint);
  }
  for (const side of [client, server]) {
    for (const endpoint of side.endpoints)
      checkEndpoint(world, side, endpoint, ends.get(`${side.other} ${endpoint.exchange.number}`));
  }
}

function checkClosed(world: World, client: Application, server: Application): void {
  const { faults } = world.configuration;
  for (const side of [client, server]) {
    if (side.closed === undefined) continue;
    const { code } = side.closed;
    const expected =
      faults.has("cut") ||
      faults.has("close") ||
      (faults.has("reject") && (code === "ERR_AUTH" || code === "ERR_CONNECTION_LOST")) ||
      (world.mayTimeOut && (code === "ERR_TIMEOUT" || code === "ERR_CONNECTION_LOST"));
    if (!expected || PEER_FAULTS.has(code ?? "ERR_NONE"))
      world.fail(`${side.role}: connection was closed with ${code}`);
    if (code === undefined && !faults.has("close"))
      world.fail(`${side.role}: connection was closed without an error`);
    if (side.peer.closed === undefined)
      world.fail(`${side.peer.role}: did not hear that the connection is over`);
    if (code === "ERR_TIMEOUT") world.mark("timedOut");
    if (code === "ERR_AUTH") world.mark("rejected");
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

function checkEndpoint(
  world: World,
  side: Application,
  endpoint: Endpoint,
  peer: Endpoint | undefined,
): void {
  const { exchange, out } = endpoint;
  const reads = endpoint.in;
  const name = `${side.role}, stream ${endpoint.stream.id} (half ${out.number}, ${exchange.opener} opened it)`;
  if (out.sending === "open")
    world.fail(`${name}: sending did not come to an end, ${unsentOf(side, endpoint)}`);
  if (reads.reading === "open")
    world.fail(`${name}: reading half ${reads.number} did not come to an end after ${reads.read} messages`);
  const lost = side.closed !== undefined;
  if (
    out.sending === "delivered" &&
    out.reading === "failed" &&
    out.readError !== "ERR_GOING_AWAY" &&
    !lost
  ) {
    world.fail(`${name}: delivered, but the reader failed with ${out.readError}`);
  }
  if (out.sending === "stopped" && !explainsStop(world, side, endpoint))
    world.fail(`${name}: stopped with ${out.sendError}`);
  if (reads.reading === "failed" && lost && reads.read < reads.messages.length)
    world.mark("closedWithUnread");
  if (reads.reading === "failed" && !explainsFailure(world, side, endpoint)) {
    world.fail(`${name}: reading half ${reads.number} failed with ${reads.readError}`);
  }
  if (
    peer === undefined &&
    endpoint.stream.local &&
    !lost &&
    !exchange.withdrawn &&
    !exchange.tooLarge &&
    !world.goingAway
  ) {
    world.fail(`${name}: the peer never heard of it`);
  }
  if (out.sendError === "ERR_GOING_AWAY" && world.goingAway) world.mark("streamRefused");
}

function unsentOf(side: Application, { stream }: Endpoint): string {
  const { send } = stream;
  const { outbox, table } = side.connection.mux;
  const peer = side.peer.connection.mux.table;
  return [
    `sent ${send.sent} of ${send.queued}, credit up to ${send.limit}, acknowledged ${send.acked}`,
    `session sent ${outbox.sent}, credit up to ${outbox.limit}, ${outbox.queuedBytes} queued`,
    `${table.size} streams open, up to ${table.openLimit}, the peer has ${peer.size} and accepts up to ${peer.acceptLimit}`,
  ].join("; ");
}

/** Codes that may end a stream on this side without a word of either application about that stream. */
function commonCause(world: World, side: Application, code: ErrorName | undefined): boolean {
  if (code === "ERR_GOING_AWAY" && (world.goingAway || side.closed !== undefined)) return true;
  if (code === "ERR_TIMEOUT" && world.mayTimeOut) return true;
  if (code === "ERR_SLOW_CONSUMER" && stallsSoon(world)) {
    world.mark("slowConsumer");
    return true;
  }
  return side.closed !== undefined && code === side.closed.code;
}

/** Whether a side gives up a stream whose reader only takes its time. */
function stallsSoon({ configuration }: World): boolean {
  const { client, server } = configuration.limits;
  return Math.min(client.stallMs, server.stallMs) < 60_000;
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
 * @throws {Violation} otherwise.
 */
export function checkQuiet(world: World, client: Application, server: Application): void {
  for (const side of [client, server]) {
    const { outbox, table, window } = side.connection.mux;
    const peer = side.peer.connection.mux;
    const equal = (what: string, found: number, wanted: number): void => {
      if (found !== wanted)
        world.fail(`${side.role}: ${what} is ${found} instead of ${wanted} when all is quiet`);
    };
    equal("the number of streams", table.size, 0);
    equal("the number of queued bytes", outbox.queuedBytes, 0);
    equal("the session's consumed position", window.consumed, window.received);
    equal("the peer's received position", peer.window.received, outbox.sent);
    if (table.openLimit > peer.table.acceptLimit)
      world.fail(
        `${side.role}: may open ${table.openLimit} streams, the peer accepts ${peer.table.acceptLimit}`,
      );
    const dropped = side.connection.datagramsDropped;
    if (dropped > 0) world.mark("datagramDropped");
    equal(
      "the number of datagrams",
      side.peer.datagramsHeard + dropped + side.peer.connection.counters.datagramsRefused,
      side.datagramsSent.length,
    );
  }
}
