/**
 * @typedef {object} Layer
 * @property {readonly string[]} folders - what it may import from src/: a folder, or one file
 * @property {readonly string[]} [values] - packages it may import; a `*` at the end stands for anything
 * @property {readonly string[]} [types] - packages it may `import type` from, besides
 */

const BELOW_RUNTIMES = [
  "core",
  "compression",
  "security",
  "channels",
  "transports",
  "session",
  "rpc",
  "services",
  "threads",
  "index.ts",
];
const SCHEMA = ["@standard-schema/spec"];

/**
 * Who may import whom. A folder may always import itself; a folder that is not here may not exist.
 * @type {Readonly<Record<string, Layer>>}
 */
export const LAYERS = {
  core: { folders: [], types: SCHEMA },
  channels: { folders: ["core"] },
  compression: { folders: ["core"] },
  security: { folders: ["core"] },
  transports: { folders: ["core", "channels"], types: ["node:*", "ws"] },
  session: { folders: ["core", "transports/transport.ts", "transports/drive.ts"], types: SCHEMA },
  rpc: { folders: ["core", "transports/transport.ts", "transports/drive.ts", "session"], types: SCHEMA },
  services: { folders: ["core", "transports/transport.ts", "session", "rpc"], types: SCHEMA },
  threads: { folders: ["core", "channels", "transports", "session", "rpc"] },
  "index.ts": { folders: ["core", "channels", "transports", "session", "rpc", "threads"] },
  testing: { folders: ["core", "channels", "transports", "session", "rpc"], types: SCHEMA },
  browser: { folders: BELOW_RUNTIMES, types: SCHEMA },
  // Names of Unix sockets: what Node, Deno and Bun all have.
  ipc: { folders: ["core"], values: ["node:*"] },
  // Their clients have what a page has, the WebSocket of the web for one.
  edge: { folders: [...BELOW_RUNTIMES, "browser", "ipc"], types: SCHEMA },
  bun: { folders: [...BELOW_RUNTIMES, "browser", "ipc"], types: SCHEMA },
  node: { folders: [...BELOW_RUNTIMES, "ipc"], values: ["node:*", "ws"], types: SCHEMA },
  cli: { folders: [...BELOW_RUNTIMES, "node"], values: ["node:*"], types: SCHEMA },
};

/**
 * Single files that may import one package more than their layer.
 * @type {Readonly<Record<string, readonly string[]>>}
 */
export const FILE_PACKAGES = {
  "core/codecs/msgpack.ts": ["@msgpack/msgpack"],
  "core/compression/deflate.ts": ["fflate"],
};

/** What only Node has. */
const NODE_NAMES = ["Buffer", "process", "global", "require", "setImmediate", "clearImmediate", "__dirname"];

/** Timers, clocks, random numbers and everything else that a pure state machine is given as an argument. */
const IMPURE_NAMES = [
  ...NODE_NAMES,
  "setTimeout",
  "clearTimeout",
  "setInterval",
  "clearInterval",
  "queueMicrotask",
  "requestAnimationFrame",
  "console",
  "performance",
  "crypto",
  "fetch",
  "globalThis",
  "await",
  "Date.now",
  "Math.random",
];

/**
 * Names that a folder may not use.
 * @type {Readonly<Record<string, readonly string[]>>}
 */
export const FORBIDDEN_NAMES = {
  core: IMPURE_NAMES,
  channels: IMPURE_NAMES,
  compression: NODE_NAMES,
  security: NODE_NAMES,
  transports: NODE_NAMES,
  session: NODE_NAMES,
  rpc: NODE_NAMES,
  services: NODE_NAMES,
  threads: NODE_NAMES,
  testing: NODE_NAMES,
  browser: NODE_NAMES,
  edge: NODE_NAMES,
  bun: NODE_NAMES,
};
