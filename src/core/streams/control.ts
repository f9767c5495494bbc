// Control frames that a stream has to send, bits of a set: imported as `Control`.

/** Credit for the peer. */
export const WINDOW = 1;

/** Nothing more is sent. */
export const RESET = 2;

/** Nothing more is read. */
export const STOP = 4;

/** The peer may send on the lane that it has named. */
export const LANE = 8;
