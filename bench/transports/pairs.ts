import type { Plan } from "../harness.ts";
import type { Carrier, OpenPair, Pair } from "./contender.ts";

/** What quick benches of one carrier share; the last one ends with this process. */
let kept: { readonly carrier: Carrier; readonly pair: Promise<OpenPair> } | undefined;

/**
 * Run `use` against a fresh server, which ends with it. Quick benches of a carrier that come one after the other share
 * theirs, because starting it takes as long as a quick run.
 */
export async function withPair<T>(
  { quick }: Plan,
  carrier: Carrier,
  use: (pair: Pair) => Promise<T>,
): Promise<T> {
  if (quick) return use(await keep(carrier));
  const pair = await carrier.open();
  try {
    return await use(pair);
  } finally {
    await pair.close();
  }
}

async function keep(carrier: Carrier): Promise<Pair> {
  if (kept?.carrier !== carrier) {
    const before = kept;
    kept = { carrier, pair: carrier.open() };
    kept.pair.catch(() => {
      kept = undefined; // the next one tries again
    });
    await before?.pair.then((pair) => pair.close()).catch(() => {});
  }
  return kept.pair;
}
