// Runs a bundle of a Worker in workerd: worker-server.mjs <bundle> [<binding>=<class of its Durable Object>]
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";

/**
 * @typedef {object} Miniflare
 * @property {Promise<URL>} ready
 * @property {() => Promise<void>} dispose
 */

const require = createRequire(join(import.meta.dirname, "..", "package.json"));
/** @type {{ Miniflare: new (options: object) => Miniflare }} */
const { Miniflare } = require("miniflare");

const [, , bundle = "", durableObject = "PEER=Peer"] = process.argv;
const [binding = "", className = ""] = durableObject.split("=");
const worker = new Miniflare({
  host: "127.0.0.1",
  port: 0,
  modules: true,
  modulesRoot: dirname(bundle),
  modulesRules: [{ type: "ESModule", include: ["**/*.mjs"] }],
  scriptPath: bundle,
  name: basename(bundle, ".mjs"),
  compatibilityDate: "2026-04-01",
  durableObjects: { [binding]: className },
  cf: false, // it would ask the network
});
const { host } = await worker.ready;
console.log(`Listening on ws://${host}/ ws://${host}/plain`);
process.stdin.on("end", async () => {
  const response = await fetch(`http://${host}/close`);
  console.log(await response.text());
  await worker.dispose();
  process.exit();
});
process.stdin.resume();
