// What a frame does: imported as `FrameType`. Each is a constant of its own, so that a bundler writes the number.
// Source: docs/protocol.md, section 4.

/** Says what this side is and accepts: the first frame of a connection. */
export const HELLO = 1;

/** Opens a stream, with its name and its first data. */
export const OPEN = 2;

/** A message of a stream, or a part of one. */
export const DATA = 3;

/** Gives credit to a stream or to the session. */
export const WINDOW = 4;

/** Gives up sending on a stream. */
export const RESET = 5;

/** Asks the peer to send no more on a stream. */
export const STOP = 6;

/** Asks for a PONG with the same number. */
export const PING = 7;

/** Answers a PING. */
export const PONG = 8;

/** A message outside all streams, which may be lost. */
export const DATAGRAM = 9;

/** Says what this side has of a session that goes on. */
export const RESUME = 10;

/** Asks the peer to open no more streams, and to go elsewhere. */
export const GOAWAY = 11;

/** Ends the connection. */
export const CLOSE = 12;

/** Moves half of a stream to a lane, or says which unfinished message is lent to. */
export const LANE = 13;

/** Something of a later version: an even number may be skipped. */
export const EXTENSION = 15;
