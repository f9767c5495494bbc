const DEFAULT_PORT = 8080;

/** The port of `PORT`, or the usual one. Ends the process when it is none. */
export function readPort(): number {
  const port = Number(process.env["PORT"] || DEFAULT_PORT);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  console.error(`Cannot use PORT=${process.env["PORT"]}: must be a number from 0 to 65535`);
  process.exit(2);
}

/** Why a server does not listen, and what to do. @param command - that starts it */
export function whyNotListening(error: unknown, host: string, port: number, command: string): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return code === "EADDRINUSE"
    ? `Port ${port} is taken: stop what uses it, or choose another one with PORT=8081 ${command} (0 takes a free one)`
    : `Cannot listen on ${host}:${port}: ${message}`;
}
