import * as FrameFlag from "../../src/core/wire/frame-flag.ts";
import * as FrameType from "../../src/core/wire/frame-type.ts";

/** Numbers of the frame types, by name. */
export const TYPES = { ...FrameType };
const FLAGS = { ...FrameFlag };

/** A frame as the vectors write it: type and flags by name, the body in hex. */
export interface Frame {
  readonly type: keyof typeof TYPES | number;
  readonly flags: readonly (keyof typeof FLAGS)[];
  readonly stream: number;
  readonly body: string;
}

/** Number of a type. */
export const typeOf = (type: Frame["type"]): number => (typeof type === "number" ? type : TYPES[type]);
/** Flags as one number. */
export const flagsOf = (flags: Frame["flags"]): number => flags.reduce((set, flag) => set | FLAGS[flag], 0);
