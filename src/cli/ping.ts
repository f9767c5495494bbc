import { parseArgs } from "node:util";
import { connect } from "../node/dial.ts";
import type { Session } from "../session/session.ts";
import { formatMs, formatTimes, TimeHistogram } from "./latency.ts";
import type { Output } from "./output.ts";
import { onlyUrl, parseCount, parseDuration, tokenOf } from "./usage.ts";

/** What `tideway ping --help` says. */
export const PING_HELP = `Usage: tideway ping <url> [options]

Measures the round trip to any Tideway server with the PING of the protocol.

  --count N         pings (default 10)
  --interval TIME   time between them (default 1s)
  --timeout TIME    time after which a ping is lost (default 5s)
  --token TEXT      for a server that asks who connects (default: TIDEWAY_TOKEN)
  --json            one JSON object on standard output

Ends with 1 when the server cannot be reached or a ping is lost.`;

/** Run the command. @returns the exit code. @throws {UsageError} and what `connect` throws. */
export async function ping(args: readonly string[], output: Output, signal: AbortSignal): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      count: { type: "string", default: "10" },
      interval: { type: "string", default: "1s" },
      timeout: { type: "string", default: "5s" },
      token: { type: "string" },
      json: { type: "boolean", default: false },
    },
  });
  const url = onlyUrl(positionals);
  const count = parseCount("count", values.count, 1_000_000);
  const intervalMs = parseDuration("interval", values.interval);
  const timeoutMs = parseDuration("timeout", values.timeout);

  const start = performance.now();
  const session = await connect(url, {
    reconnect: false,
    connectTimeoutMs: timeoutMs,
    ...tokenOf(values.token),
  });
  const connectMs = performance.now() - start;
  if (!values.json) output.out(`${url}: connected in ${formatMs(connectMs)}`);
  const times = new TimeHistogram();
  let due = 0;
  const firstAt = performance.now();
  while (due < count && !signal.aborted) {
    await pause(firstAt + due * intervalMs - performance.now(), signal);
    if (signal.aborted) break;
    let from = performance.now();
    const answered = await pingWithin(session, timeoutMs);
    const now = performance.now();
    // Those that were due while this one waited would have waited with it, each from its own time.
    do {
      if (answered) times.record(now - from);
      if (!values.json)
        output.out(`${String(due + 1).padStart(4)}  ${answered ? formatMs(now - from) : "lost"}`);
      from = firstAt + ++due * intervalMs;
    } while (due < count && from < now);
  }
  await session.close();
  const summary = times.summary();
  if (values.json)
    output.out(JSON.stringify({ url, connectMs, due, answered: times.count, roundTripMs: summary }));
  else output.out(`${due} pings, ${times.count} answered\n${formatTimes({ "round trip": summary })}`);
  return times.count === due ? 0 : 1;
}

/** Whether the peer answers in time. */
async function pingWithin(session: Session, timeoutMs: number): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), timeoutMs);
  });
  const answered = session.ping().then(
    () => true,
    () => false,
  );
  const outcome = await Promise.race([answered, late]);
  clearTimeout(timer);
  return outcome;
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end);
  });
}
