/** What our side compresses with, where it is asked to: the fast one, and the one that `ws` has. */
export const COMPRESSORS = ["lz4", "deflate"] as const;

/** permessage-deflate as its documentation has it, but for short messages too: those are what is sent. */
export const DEFLATE = { threshold: 0, zlibDeflateOptions: { level: 6, memLevel: 8 } };
