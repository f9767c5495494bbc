import type { LogEntry } from "./log.ts";

type Intent = Extract<LogEntry, { kind: "intent" }>;
type Delivery = Extract<LogEntry, { kind: "delivery" }>;

/** What became of the records, by class. Those in {@link VIOLATIONS} must be 0. */
export interface Counts {
  /** Acknowledged and delivered. */
  readonly ok: number;
  /** Delivered without an acknowledgement: allowed. */
  readonly recovered: number;
  /** Neither, and nothing later of the same producer was delivered: allowed. */
  readonly pending: number;
  /** Never delivered, although acknowledged, or although a later one of the same producer was. */
  readonly lost: number;
  /** Deliveries of what nobody has sent. */
  readonly unexpected: number;
  /** Deliveries beyond the first. */
  readonly duplicated: number;
  /** Delivered behind a later one of the same producer. */
  readonly reordered: number;
  /** Delivered with other bytes than were sent. */
  readonly corrupted: number;
}

/** The classes that must be empty. */
export const VIOLATIONS = ["lost", "unexpected", "duplicated", "reordered", "corrupted"] as const;

/** Faults that a run has seen, and those without which it proves nothing. */
export interface Faults {
  readonly fired: number;
  readonly least: number;
}

/** Red: something is wrong. Invalid: nothing is, but the run or its logs cannot show that. */
export type Verdict = "green" | "red" | "invalid";

/** What the auditor says of a history. */
export interface Audit {
  readonly counts: Counts;
  readonly verdict: Verdict;
  /** Each violation, and each fault of the logs themselves, as a line. */
  readonly findings: readonly string[];
}

/**
 * Judge a run by its logs alone. Entries of one producer, and of one stream, stand in the order in which they were
 * written; between those the order says nothing, so logs of several processes are put behind each other.
 */
export function audit(entries: Iterable<LogEntry>, faults: Faults): Audit {
  const history = new History();
  for (const entry of entries) history.read(entry);
  return history.judge(faults);
}

/** The verdict over counts that are known, of one run or of many. */
export function verdictOf(counts: Counts, { fired, least }: Faults): Verdict {
  if (VIOLATIONS.some((name) => counts[name] > 0)) return "red";
  const nothing = counts.ok + counts.recovered === 0;
  return nothing || fired < least ? "invalid" : "green";
}

class History {
  readonly #intents: Map<string, Intent[]> = new Map();
  readonly #acks: Map<string, Set<number>> = new Map();
  readonly #deliveries: Map<string, Delivery[]> = new Map();
  readonly #streams: Map<string, number> = new Map();
  readonly #findings: string[] = [];
  readonly #counts: { -readonly [K in keyof Counts]: number } = {
    ok: 0,
    recovered: 0,
    pending: 0,
    lost: 0,
    unexpected: 0,
    duplicated: 0,
    reordered: 0,
    corrupted: 0,
  };
  /** The logs contradict themselves. */
  #broken = false;

  read(entry: LogEntry): void {
    switch (entry.kind) {
      case "intent": {
        const intents = entryOf(this.#intents, entry.producer, () => []);
        if (entry.n !== intents.length)
          this.#break(`intent ${nameOf(entry)} follows ${intents.length} others`);
        intents.push(entry);
        return;
      }
      case "ack":
        entryOf(this.#acks, entry.producer, () => new Set()).add(entry.n);
        return;
      case "delivery": {
        const seq = this.#streams.get(entry.stream) ?? 0;
        if (entry.seq !== seq) this.#break(`delivery ${entry.seq} of ${entry.stream} stands at ${seq}`);
        this.#streams.set(entry.stream, seq + 1);
        entryOf(this.#deliveries, entry.producer, () => []).push(entry);
        return;
      }
    }
  }

  judge(faults: Faults): Audit {
    for (const [producer, deliveries] of this.#deliveries) {
      this.#judgeDeliveries(deliveries, this.#intents.get(producer) ?? []);
    }
    for (const [producer, intents] of this.#intents) this.#judgeIntents(producer, intents);
    for (const [producer, acks] of this.#acks) {
      const sent = this.#intents.get(producer)?.length ?? 0;
      for (const n of acks) if (n >= sent) this.#break(`ack of ${producer} ${n}, which was not sent`);
    }
    const found = verdictOf(this.#counts, faults);
    if (faults.fired < faults.least)
      this.#findings.push(`invalid: ${faults.fired} faults of ${faults.least} fired`);
    else if (found === "invalid") this.#findings.push("invalid: nothing was delivered");
    const verdict = found === "green" && this.#broken ? "invalid" : found;
    return { counts: this.#counts, verdict, findings: this.#findings };
  }

  #judgeDeliveries(deliveries: readonly Delivery[], intents: readonly Intent[]): void {
    const first = new Map<number, Delivery>();
    let latest = -1;
    for (const delivery of deliveries) {
      const { n } = delivery;
      const intent = intents[n];
      const before = first.get(n);
      if (intent === undefined) this.#violate("unexpected", delivery);
      else if (delivery.hash !== intent.hash || delivery.length !== intent.length) {
        this.#violate("corrupted", delivery, `sent ${intent.hash}, ${intent.length} bytes`);
      }
      if (before !== undefined) this.#violate("duplicated", delivery, `first on ${placeOf(before)}`);
      else if (n < latest) this.#violate("reordered", delivery, `behind ${latest}`);
      if (before === undefined) first.set(n, delivery);
      latest = Math.max(latest, n);
    }
  }

  #judgeIntents(producer: string, intents: readonly Intent[]): void {
    const delivered = new Set(this.#deliveries.get(producer)?.map(({ n }) => n));
    const acked = this.#acks.get(producer) ?? new Set();
    const latest = Math.max(-1, ...delivered);
    for (const intent of intents) {
      const { n } = intent;
      if (delivered.has(n)) this.#counts[acked.has(n) ? "ok" : "recovered"]++;
      else if (acked.has(n)) this.#violate("lost", intent, "acknowledged");
      else if (n < latest) this.#violate("lost", intent, `${latest} was delivered`);
      else this.#counts.pending++;
    }
  }

  #violate(name: (typeof VIOLATIONS)[number], entry: Intent | Delivery, detail = ""): void {
    this.#counts[name]++;
    const place = entry.kind === "delivery" ? ` on ${placeOf(entry)}` : "";
    this.#findings.push(`${name}: ${nameOf(entry)}${place}${detail && `: ${detail}`}`);
  }

  #break(why: string): void {
    this.#broken = true;
    this.#findings.push(`invalid: ${why}`);
  }
}

function nameOf({ producer, n, length, hash }: Intent | Delivery): string {
  return `${producer} ${n} (${length} bytes, ${hash})`;
}

function placeOf({ stream, seq, session, epoch }: Delivery): string {
  return `${stream} ${seq}, session ${session}, connection ${epoch}`;
}

function entryOf<V>(map: Map<string, V>, key: string, make: () => V): V {
  const known = map.get(key);
  if (known !== undefined) return known;
  const made = make();
  map.set(key, made);
  return made;
}
