import type { Connection } from "../core/connection/connection.ts";
import type { Resumable, ResumeRegistry } from "../core/resume/resume-registry.ts";
import type { Mux } from "../core/streams/mux.ts";
import type { FaultKind } from "./faults.ts";
import type { SimulatedLink } from "./link.ts";
import type { Marker } from "./markers.ts";

/** What a run may be given besides its seed. */
export interface SimulateOptions {
  /** Operations of the workload. */
  readonly operations?: number;
  /** Operations that do not happen, by their numbers, from 1 on. */
  readonly skip?: readonly number[];
  /** Kinds of faults that do not happen, whatever the seed says. */
  readonly without?: readonly FaultKind[];
  /** How many of the last lines of what happened are kept. */
  readonly logLines?: number;
  /** Spoil something before it is used, to see that the run notices. */
  readonly plant?: Planted;
}

/** What {@link SimulateOptions.plant} may spoil: each is called with every one of its kind before that is used. */
export interface Planted {
  /** A connection of either side. */
  connection?(connection: Connection): void;
  /** The streams of a session, at either side. */
  mux?(mux: Mux): void;
  link?(link: SimulatedLink): void;
  /** The sessions that the server keeps. */
  registry?<T extends Resumable>(registry: ResumeRegistry<T>): void;
}

/** What a run was and did. */
export interface SimulateResult {
  readonly seed: number;
  /** What was broken; `undefined` when nothing was. */
  readonly violation: string | undefined;
  /** 16 hexadecimal digits over everything that happened: the same seed has the same. */
  readonly hash: string;
  readonly operations: number;
  readonly messages: number;
  readonly records: number;
  readonly bytes: number;
  /** Connections that were made; sessions that went on over another one, and those of them that moved there. */
  readonly connections: number;
  readonly resumes: number;
  readonly migrations: number;
  /** Calls that the clock has made. */
  readonly steps: number;
  readonly virtualMs: number;
  /** How often each kind of fault has happened. */
  readonly faults: ReadonlyMap<FaultKind, number>;
  /** How often each situation was met. */
  readonly markers: ReadonlyMap<Marker, number>;
  /** Kinds of faults that the seed has switched on. */
  readonly enabled: readonly FaultKind[];
  readonly log: readonly string[];
}
