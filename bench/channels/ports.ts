import { COPY_BYTES, type PortJob, postedBatch, type Report } from "./jobs.ts";

/** Posts that the other side has not confirmed: a port has no bound of its own. */
const WINDOW = 256;

/** What long messages are filled from and copied to, as in the benches of rings. */
const payload = new Int32Array(16_384).fill(7);
const copy = new Int32Array(16_384);

/** Post `count` messages, a batch in each post. Numbers are in the first and the last word of each. */
export async function post({ port, isTransfer, bytes, way, count }: PortJob): Promise<Report> {
  const batch = postedBatch(bytes, way);
  const words = bytes >> 2;
  const kept = new Int32Array(words * batch);
  const body = payload.subarray(0, words);
  let sum = 0;
  let posted = 0;
  let confirmed = 0;
  let wake: (() => void) | undefined;
  port.on("message", (posts: number) => {
    confirmed = posts;
    wake?.();
  });
  for (let next = 0; next < count; posted++) {
    if (posted - confirmed >= WINDOW) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
    const message = isTransfer ? new Int32Array(words * batch) : kept;
    const end = Math.min(count, next + batch);
    for (let at = 0; next < end; at += words, sum += next++) {
      if (bytes > COPY_BYTES) message.set(body, at);
      else message.fill(next, at + 1, at + words - 1);
      message[at] = next;
      message[at + words - 1] = next;
    }
    port.postMessage(message, isTransfer ? [message.buffer] : []);
  }
  return { count, sum };
}

/** Take what another thread posts. */
export function take({ port, bytes, count }: PortJob): Promise<Report> {
  const words = bytes >> 2;
  let taken = 0;
  let posts = 0;
  let sum = 0;
  return new Promise((resolve, reject) => {
    port.on("message", (message: Int32Array) => {
      for (let at = 0; at < message.length && taken < count; at += words, taken++) {
        if (bytes > COPY_BYTES) copy.set(message.subarray(at, at + words));
        if (message[at] !== message[at + words - 1]) reject(new Error("A message is torn"));
        sum += message[at] as number;
      }
      if (++posts % (WINDOW / 4) === 0) port.postMessage(posts);
      if (taken < count) return;
      port.close();
      resolve({ count, sum });
    });
  });
}
