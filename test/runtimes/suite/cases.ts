import type { Case } from "./case.ts";
import { CALLS } from "./cases/calls.ts";
import { ENCODINGS } from "./cases/encodings.ts";
import { CLOSE, LOSSES } from "./cases/endings.ts";
import { STREAMS } from "./cases/streams.ts";

/** The suite. */
export const CASES: readonly Case[] = [...CALLS, ...STREAMS, ...LOSSES, ...ENCODINGS, CLOSE];
