import type { Application } from "./application.ts";

/** Who is at the other end of a connection, as only the run knows. */
export interface Caller {
  /** Whom the server takes it for. */
  readonly principal: string;
  /** It is the client that it says it is. */
  readonly honest: boolean;
  /** The session that it wants to carry on. */
  readonly carried: Application | undefined;
  /** It does not listen any more. */
  readonly abandoned: boolean;
  /** Connections of one client count up. */
  readonly number: number;
  /** Its side of the session that begins with this connection; `undefined` when it does not want one. */
  begin(): Application | undefined;
}
