// Assertions that run in every runtime.

/** @throws {Error} when both values are not the same as JSON. */
export function equal(actual: unknown, expected: unknown, what = "value"): void {
  const [seen, wanted] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (seen !== wanted) throw new Error(`Expected ${what} ${wanted}, got ${seen}`);
}

/** @throws {Error} when the condition does not hold. */
export function check(condition: boolean, what: string): void {
  if (!condition) throw new Error(`Expected ${what}`);
}

/** The code of the error that `promise` rejects with. @throws {Error} when it does not. */
export async function codeOf(promise: Promise<unknown>): Promise<string> {
  const error = await failure(promise);
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}

/** What `promise` rejects with. @throws {Error} when it does not. */
export function failure(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => {
      throw new Error("Expected a failure");
    },
    (error: unknown) => error,
  );
}

/** Resolves after `ms`. */
export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Resolves when `condition` holds. @throws {Error} when it does not in time. */
export async function until(condition: () => boolean | Promise<boolean>, withinMs = 5_000): Promise<void> {
  const end = performance.now() + withinMs;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`Condition did not come true: ${condition}`);
    await sleep(5);
  }
}

/** `size` bytes that tell positions and sizes apart. */
export function sample(size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; at += 97) bytes[at] = (at * 31 + size) & 0xff;
  bytes[size - 1] = size & 0xff;
  return bytes;
}

/** @throws {Error} when the bytes are not those of {@link sample}. */
export function checkSample(bytes: Uint8Array | undefined, size: number): void {
  if (bytes?.length !== size) throw new Error(`Expected ${size} bytes, got ${bytes?.length}`);
  const expected = sample(size);
  for (let at = 0; at < size; at++) {
    if (bytes[at] !== expected[at]) throw new Error(`Expected other bytes of ${size}, first at ${at}`);
  }
}
