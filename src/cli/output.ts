/** Where a command writes: results to `out`, everything else to `error`. */
export interface Output {
  out(text: string): void;
  error(text: string): void;
  /** A line that the next one replaces; nothing where nobody watches. */
  progress(text: string): void;
}

/** The terminal. */
export const TERMINAL: Output = {
  out: (text) => void process.stdout.write(`${text}\n`),
  error: (text) => void process.stderr.write(`${text}\n`),
  progress: (text) => {
    if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
  },
};
