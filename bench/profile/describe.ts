import type { ProfileSummary, Share } from "./cpu-profile.ts";

/** Frames of a stack that are shown: the innermost ones. */
const DEPTH = 6;

/** A summary as Markdown: three lists of the `top` largest shares of the busy time. */
export function describeProfile(
  { busy, idle, self, inclusive, stacks }: ProfileSummary,
  top: number,
): string {
  const all = busy + idle;
  const busyShare = all === 0 ? 0 : busy / all;
  const list = (heading: string, shares: readonly Share[], nameOf = (name: string) => name) => {
    const rows = shares
      .slice(0, top)
      .map(({ name, time }) => `| ${percent(time / busy)} | ${milliseconds(time)} | ${code(nameOf(name))} |`);
    return [`### ${heading}`, "", "| share | ms | |", "|---|---|---|", ...rows].join("\n");
  };
  return [
    `Busy ${milliseconds(busy)} ms of ${milliseconds(all)} ms (${percent(busyShare)}). Shares are of the busy time.`,
    list("Self", self),
    list("Inclusive", inclusive),
    list("Stacks", stacks, innermost),
  ].join("\n\n");
}

function innermost(stack: string): string {
  const frames = stack.split(" > ");
  const shown = frames.slice(-DEPTH).join(" > ");
  return frames.length > DEPTH ? `... > ${shown}` : shown;
}

function percent(share: number): string {
  return `${(Number.isFinite(share) ? share * 100 : 0).toFixed(1)} %`;
}

function milliseconds(microseconds: number): string {
  return (microseconds / 1_000).toFixed(1);
}

/** A name inside a cell of a table. */
function code(name: string): string {
  return `\`${name.replaceAll("`", "'").replaceAll("|", "\\|")}\``;
}
