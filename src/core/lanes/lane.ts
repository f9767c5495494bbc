/** Number of one ordered, reliable path inside a transport. */
export type LaneId = number & { readonly __brand: "LaneId" };

/** The lane that every transport has. */
export const MAIN_LANE: LaneId = 0 as LaneId;
