import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { type Connections, openConnections } from "./connections.ts";
import { formatMs, formatTimes, TimeHistogram } from "./latency.ts";
import { Load, type LoadPlan } from "./load.ts";
import type { Output } from "./output.ts";
import { onlyUrl, parseCount, parseDuration, parseSize, UsageError } from "./usage.ts";

/** What `tideway bench --help` says. */
export const BENCH_HELP = `Usage: tideway bench <url> [options]

Calls a server at a fixed rate and measures how long the answers take. The server has to offer
benchService of "tideway/bench" among its services.

  --connections N   connections to open (default 10)
  --rate N          calls a second, over all connections (default 1000)
  --size SIZE       bytes of a request and of its answer (default 64)
  --duration TIME   how long (default 10s)
  --in-flight N     most calls under way on a connection (default 100)
  --drain TIME      time for the last answers (default 5s)
  --token TEXT      for a server that asks who connects (default: TIDEWAY_TOKEN)
  --json            one JSON object on standard output
  --hdr FILE        write the distribution of the latencies for plotters of HdrHistogram

The schedule is kept when the server stalls, and a latency runs from when its call was due.
Ends with 1 when the server cannot be reached, or a call fails or stays without an answer.`;

interface BenchOptions extends LoadPlan {
  readonly url: string;
  readonly connections: number;
  readonly size: number;
  readonly json: boolean;
  readonly hdr: string | undefined;
  readonly token: string | undefined;
}

const PROGRESS_MS = 500;

/** Run the command. @returns the exit code. @throws {UsageError} and what `connect` throws. */
export async function bench(args: readonly string[], output: Output, signal: AbortSignal): Promise<number> {
  const options = readOptions(args);
  const connectTimes = new TimeHistogram();
  const connections = await openConnections(options, connectTimes, (open) =>
    output.progress(`connecting: ${open} of ${options.connections}`),
  );
  try {
    const load = new Load(options, connections.calls);
    const timer = setInterval(() => output.progress(describeProgress(load)), PROGRESS_MS);
    await load.run(signal);
    clearInterval(timer);
    output.progress("");
    report(options, load, connectTimes, connections, output);
    const { failed, unanswered } = load.counts;
    return failed + unanswered === 0 ? 0 : 1;
  } finally {
    await connections.close();
  }
}

function readOptions(args: readonly string[]): BenchOptions {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      connections: { type: "string", default: "10" },
      rate: { type: "string", default: "1000" },
      size: { type: "string", default: "64" },
      duration: { type: "string", default: "10s" },
      "in-flight": { type: "string", default: "100" },
      drain: { type: "string", default: "5s" },
      json: { type: "boolean", default: false },
      hdr: { type: "string" },
      token: { type: "string" },
    },
  });
  const rate = Number(values.rate);
  if (!(rate > 0 && rate <= 1e7)) {
    throw new UsageError(`Cannot use --rate ${values.rate}: expected calls a second, up to 10000000`);
  }
  return {
    url: onlyUrl(positionals),
    connections: parseCount("connections", values.connections, 100_000),
    rate,
    size: parseSize("size", values.size),
    durationMs: parseDuration("duration", values.duration),
    inFlight: parseCount("in-flight", values["in-flight"], 65_536),
    drainMs: parseDuration("drain", values.drain),
    json: values.json,
    hdr: values.hdr,
    token: values.token,
  };
}

function describeProgress(load: Load): string {
  const { sent, answered, failed } = load.counts;
  const at = (percent: number) => formatMs(load.latency.percentile(percent));
  const seconds = (load.elapsedMs / 1_000).toFixed(1);
  return `${seconds} s  ${sent} sent  ${answered} answered  ${failed} failed  p50 ${at(50)}  p99 ${at(99)}`;
}

function report(
  { url, connections: count, rate, size, durationMs, json, hdr }: BenchOptions,
  load: Load,
  connectTimes: TimeHistogram,
  { codec }: Connections,
  output: Output,
): void {
  const { counts } = load;
  const answeredPerSecond = (counts.answered / load.elapsedMs) * 1_000;
  const times = {
    latency: load.latency.summary(),
    service: load.service.summary(),
    connect: connectTimes.summary(),
  };
  if (hdr !== undefined) writeFileSync(hdr, load.latency.toText());
  if (json) {
    const plan = { connections: count, rate, size, durationMs, codec };
    output.out(JSON.stringify({ url, plan, counts, answeredPerSecond, timesMs: times }));
    return;
  }
  output.out(
    `${url}: ${count} connections, ${rate} calls/s of ${size} B (${codec}), ${durationMs / 1_000} s`,
  );
  const lost = `${counts.failed} failed, ${counts.unanswered} unanswered`;
  output.out(
    `${counts.answered} of ${counts.scheduled} answered, ${lost}; ${answeredPerSecond.toFixed(1)} a second`,
  );
  for (const [code, failures] of Object.entries(counts.errors)) output.out(`  ${code}: ${failures}`);
  output.out(`\n${formatTimes(times)}`);
  output.out("\nlatency runs from when a call was due, service from when it was sent");
}
