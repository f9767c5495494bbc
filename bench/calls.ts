import { type Bytes, type Client, contract, implement, type Service, type, unary } from "tideway";
import { check } from "./harness.ts";

/** What the benches of calls call. The schema believes what arrives: validation is not what is measured. */
export const ECHO = contract({ echo: unary({ input: type<Bytes>(), output: type<Bytes>() }) });

/** Answers each call of {@link ECHO} with its request. */
export const echoService: Service = implement(ECHO, { echo: (message) => message });

/** Make `count` calls with `inFlight` of them under way at a time, and check each answer. */
export async function callAll(
  calls: Client<typeof ECHO>,
  pool: readonly Bytes[],
  count: number,
  inFlight: number,
): Promise<void> {
  let begun = 0;
  const caller = async () => {
    while (begun < count) {
      const message = pool[begun++ % pool.length]!;
      checkEcho(await calls.echo(message), message);
    }
  };
  await Promise.all(Array.from({ length: inFlight }, caller));
}

/** @throws {Error} when `answer` is not the echo of `message`. */
export function checkEcho(answer: Uint8Array, message: Uint8Array): void {
  check(answer.length === message.length, `${answer.length} bytes came back for ${message.length}`);
  check(answer[0] === message[0], "an answer belongs to another call");
}
