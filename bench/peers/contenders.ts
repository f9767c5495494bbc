/** Where the packages of a contender come from: those of the project, or those of bench/package.json. */
export type Packages = "project" | "bench";

/** One program of bench/peers/contenders. */
export interface ContenderProgram {
  readonly name: string;
  readonly entry: string;
  readonly packages: Packages;
  /** Peers in bench/package.json whose versions belong to the figures. */
  readonly versionsOf: readonly string[];
}

const program = (name: string, file: string, versionsOf: readonly string[]): ContenderProgram => ({
  name,
  entry: `bench/peers/contenders/${file}.ts`,
  packages: "bench",
  versionsOf,
});

/** What is measured. */
export const TIDEWAY: ContenderProgram = {
  name: "tideway",
  entry: "bench/peers/tideway.ts",
  packages: "project",
  versionsOf: [],
};

/** What it is compared with, in the order in which they run. */
export const PEER_PROGRAMS: readonly ContenderProgram[] = [
  program("ws", "ws", ["ws", "bufferutil"]),
  program("socket.io", "socket-io", ["socket.io", "socket.io-client"]),
  program("capnweb", "capnweb", ["capnweb"]),
  program("rsocket", "rsocket", ["rsocket-core", "rsocket-websocket-client", "rsocket-websocket-server"]),
  program("trpc", "trpc", ["@trpc/server", "@trpc/client"]),
  program("connect", "connect", ["@connectrpc/connect", "@connectrpc/connect-node", "@bufbuild/protobuf"]),
  program("nats", "nats", ["@nats-io/transport-node"]),
];

/** The floor: it does not know which answer is whose. No target asks to be better than it by far. */
export const FLOOR = "ws";
