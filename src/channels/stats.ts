/** Counts of one end of a channel. Figures of the other side are 0. */
export interface ChannelStats {
  /** Messages that this end has sent, and times that it could not: the ring was full. */
  readonly sent: number;
  readonly sendErrors: number;
  /** Messages that this end has taken. */
  readonly received: number;
  /** Times that this end has slept until there was room, or a message. */
  readonly waits: number;
  /** What is in the ring now, and the most that ever was by the looks of senders: slots, or bytes in a ring of bytes. */
  readonly depth: number;
  readonly highWater: number;
  /** Slots, or bytes in a ring of bytes. */
  readonly capacity: number;
}
