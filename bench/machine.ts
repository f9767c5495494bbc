import { cpus } from "node:os";

/** Heading of the table: what the figures were measured on. */
export function describeRuntime(): string {
  const { node, v8 } = process.versions;
  const [cpu] = cpus();
  return `Node ${node}, V8 ${v8}, ${process.platform} ${process.arch}, ${cpus().length} x ${cpu?.model ?? "unknown processor"}`;
}
