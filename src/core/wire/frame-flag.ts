// The low four bits of a frame's first byte: imported as `FrameFlag`.

/** The message goes on in a later frame of the stream. With FIN: there is no message in this frame. */
export const MORE = 1;

/** The body begins with a metadata block. */
export const EXT = 2;

/** Nothing follows on this half of the stream. */
export const FIN = 4;

/** The length of the body follows; without it the body ends with the record. */
export const LEN = 8;
