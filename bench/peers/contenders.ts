/** Where the packages of a contender come from: those of the project, or those of bench/package.json. */
export type Packages = "project" | "bench";

/** One program of bench/peers/bare or bench/peers/contenders. */
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

const bare = (name: string, file: string): ContenderProgram => ({
  name,
  entry: `bench/peers/bare/${file}.ts`,
  packages: "project",
  versionsOf: [],
});

/** What it is compared with, in the order in which they run. */
export const PEER_PROGRAMS: readonly ContenderProgram[] = [
  bare("net", "net"),
  bare("Unix socket", "unix"),
  bare("MessagePort", "message-port"),
  program("ws", "ws", ["ws", "bufferutil"]),
  program("socket.io", "socket-io", ["socket.io", "socket.io-client"]),
  program("capnweb", "capnweb", ["capnweb"]),
  program("rsocket", "rsocket", ["rsocket-core", "rsocket-websocket-client", "rsocket-websocket-server"]),
  program("trpc", "trpc", ["@trpc/server", "@trpc/client"]),
  program("connect", "connect", ["@connectrpc/connect", "@connectrpc/connect-node", "@bufbuild/protobuf"]),
  program("nats", "nats", ["@nats-io/transport-node"]),
];

/** The floors: none knows which answer is whose. No target asks to be better than these by far. */
export const FLOORS: readonly string[] = ["ws", "net", "Unix socket", "MessagePort"];
