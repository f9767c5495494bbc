import { contract, duplex, type } from "tideway";

/** What a member of a room hears. */
export type RoomEvent =
  | { readonly kind: "welcome"; readonly members: number }
  | { readonly kind: "line"; readonly from: string; readonly text: string };

/** A room: send lines, hear those of everybody. */
export const api = contract({
  join: duplex({ input: type<string>(), output: type<RoomEvent>() }),
});
