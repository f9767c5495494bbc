/** What Node writes with `--cpu-prof`. Times are in microseconds. Source: the Profiler domain of the V8 inspector. */
export interface CpuProfile {
  readonly nodes: readonly ProfileNode[];
  /** Numbers of the nodes that were on top of the stack. */
  readonly samples: readonly number[];
  /** Time from the sample before to each sample. */
  readonly timeDeltas: readonly number[];
}

interface ProfileNode {
  readonly id: number;
  readonly callFrame: {
    readonly functionName: string;
    readonly url: string;
    readonly lineNumber: number;
  };
  readonly children?: readonly number[];
}

/** Time of one function or one stack. */
export interface Share {
  readonly name: string;
  /** us */
  readonly time: number;
}

/** A profile, summed up: every list has the largest first. */
export interface ProfileSummary {
  /** Time in which something ran, us: all of it but for what the process was idle. */
  readonly busy: number;
  readonly idle: number;
  /** Time in the function itself. */
  readonly self: readonly Share[];
  /** Time in the function and all that it called; where it calls itself, counted once. */
  readonly inclusive: readonly Share[];
  /** Time at the end of one path of calls, outermost first. */
  readonly stacks: readonly Share[];
}

const ROOT = "(root)";
const IDLE = "(idle)";

/**
 * Parse a profile.
 * @throws {TypeError} when the text is no profile.
 */
export function parseProfile(text: string): CpuProfile {
  const profile = JSON.parse(text) as Partial<CpuProfile> | null;
  const lists = [profile?.nodes, profile?.samples, profile?.timeDeltas];
  if (!lists.every(Array.isArray) || profile?.samples?.length !== profile?.timeDeltas?.length) {
    throw new TypeError("Cannot read profile: it has no nodes, samples and times");
  }
  return profile as CpuProfile;
}

/** Sum up profiles, of several processes for one. */
export function summarize(profiles: readonly CpuProfile[]): ProfileSummary {
  const self = new Map<string, number>();
  const inclusive = new Map<string, number>();
  const stacks = new Map<string, number>();
  let busy = 0;
  let idle = 0;
  for (const profile of profiles) {
    const paths = pathsOf(profile);
    for (const [id, time] of timesOf(profile)) {
      const path = paths.get(id) ?? [];
      const top = path.at(-1);
      if (top === undefined) continue;
      if (top === IDLE) {
        idle += time;
        continue;
      }
      busy += time;
      add(self, top, time);
      for (const name of new Set(path)) add(inclusive, name, time);
      add(stacks, path.join(" > "), time);
    }
  }
  return { busy, idle, self: sorted(self), inclusive: sorted(inclusive), stacks: sorted(stacks) };
}

/** Time with each node on top, us. */
function timesOf({ samples, timeDeltas }: CpuProfile): Map<number, number> {
  const times = new Map<number, number>();
  // A sample stands for the time until the next one; what a clock that was set back makes negative counts as nothing.
  for (const [index, id] of samples.entries()) {
    times.set(id, (times.get(id) ?? 0) + Math.max(0, timeDeltas[index + 1] ?? 0));
  }
  return times;
}

/** The functions from the outermost to each node, without the root. */
function pathsOf({ nodes }: CpuProfile): Map<number, readonly string[]> {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const isChild = new Set(nodes.flatMap(({ children = [] }) => children));
  const paths = new Map<number, readonly string[]>();
  const waiting = nodes
    .filter(({ id }) => !isChild.has(id))
    .map((node) => ({ node, above: [] as readonly string[] }));
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const { node, above } = next;
    const name = nameOf(node);
    const path = name === ROOT ? above : [...above, name];
    paths.set(node.id, path);
    for (const id of node.children ?? []) {
      const child = byId.get(id);
      if (child !== undefined && !paths.has(id)) waiting.push({ node: child, above: path });
    }
  }
  return paths;
}

function nameOf({ callFrame: { functionName, url, lineNumber } }: ProfileNode): string {
  const name = functionName === "" ? "(anonymous)" : functionName;
  const file = url.split("/").at(-1) ?? "";
  return file === "" ? name : `${name} ${file}:${lineNumber + 1}`;
}

function add(into: Map<string, number>, name: string, time: number): void {
  into.set(name, (into.get(name) ?? 0) + time);
}

function sorted(times: ReadonlyMap<string, number>): Share[] {
  return [...times].map(([name, time]) => ({ name, time })).sort((a, b) => b.time - a.time);
}
