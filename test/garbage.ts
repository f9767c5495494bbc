import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

let collect: (() => void) | undefined;

/** Whether something still holds what `reference` points to, after a full collection. Ask in a task of its own. */
export function isHeld(reference: WeakRef<object>): boolean {
  if (collect === undefined) {
    setFlagsFromString("--expose-gc");
    collect = runInNewContext("gc") as () => void;
  }
  collect();
  return reference.deref() !== undefined;
}
