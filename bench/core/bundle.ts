import type { Bench } from "../harness.ts";

type BundleBudget = typeof import("../../scripts/check/bundle-budget.mjs");

/** P18: what a page that connects and makes calls has to load. There is nothing to repeat: it is one run. */
export const bundleSize: Bench = {
  id: "P18",
  async run() {
    // Loaded as it stands: the script bundles with esbuild and must not be bundled itself.
    const script = new URL("../../scripts/check/bundle-budget.mjs", import.meta.url).href;
    const { TARGET_BYTES, weighPage } = (await import(script)) as BundleBudget;
    const { gzipBytes } = await weighPage();
    return [
      {
        id: "P18",
        name: "core, session, RPC and WebSocket client, gzip -9",
        unit: "B",
        better: "lower",
        samples: [gzipBytes],
        target: { value: TARGET_BYTES },
      },
    ];
  },
};
